"""`python -m streams.cli.sizing`: write the tables of docs/capacity.md."""

from streams.cli.sizing.page import main

if __name__ == "__main__":
    main()
