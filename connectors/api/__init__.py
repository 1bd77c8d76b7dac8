"""The read API: what the contracts give, over HTTP, to whoever shows a token of the agency."""
