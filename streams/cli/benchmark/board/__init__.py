"""What the board costs, and how late it is, while a port of many sites speaks at a fixed rate. See __main__.py."""
