"""Plain Markdown tables."""

from collections.abc import Iterable


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of these columns; bars inside cells are escaped."""
    names = list(columns)
    return "".join(_line(cells) for cells in (names, ["---"] * len(names), *rows))


def code(text: object) -> str:
    """`text` as code, or nothing for nothing."""
    return f"`{text}`" if text not in (None, "") else ""


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
