"""The board of the operations centre: a read-only API with a stream of changes, and the page that shows them."""
