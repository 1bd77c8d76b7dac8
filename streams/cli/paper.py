"""Where a table is printed: the terminal as wide as it is, and elsewhere wide enough that no line is broken."""

from rich.console import Console
from rich.table import Table

WIDE = 160


def print_table(table: Table) -> None:
    """Print to standard output."""
    console = Console(highlight=False)
    (console if console.is_terminal else Console(highlight=False, width=WIDE)).print(table)
