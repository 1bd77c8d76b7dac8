"""Keys of pseudonyms, and the vault of the clear names behind them."""
