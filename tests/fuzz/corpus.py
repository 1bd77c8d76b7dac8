"""The corpus in the tree: per decoder a few hundred inputs that reached something new, one per line in Base64."""

import base64
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
MOST_INPUTS = 200
LONGEST = 1_000


def kept(name: str) -> list[bytes]:
    """What is kept for a target."""
    file = FOLDER / f"{name}.txt"
    return [base64.b64decode(line) for line in file.read_text().splitlines()] if file.exists() else []


def keep(name: str, found: Iterable[bytes]) -> None:
    """Add inputs, shortest first, as long as there is room: small ones say most."""
    before = kept(name)
    new = sorted({content for content in found if len(content) <= LONGEST} - set(before), key=lambda c: (len(c), c))
    contents = [*before, *new][:MOST_INPUTS]
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.txt").write_text("".join(base64.b64encode(content).decode() + "\n" for content in contents))
