"""The next whole lines of a file, at most a chunk of them, with their numbers, and the place behind them."""

from typing import BinaryIO, Final, NamedTuple

from connectors.files.place import Place, head_of

# So much of one file, then the next: no file keeps the others waiting, and memory stays flat.
CHUNK: Final = 1024 * 1024 + 4096


class Piece(NamedTuple):
    """Lines to read, how many bytes they are, and where to go on. `too_long`: the line at `after` is longer than a chunk."""

    lines: list[tuple[int, bytes]]
    size: int
    after: Place
    too_long: bool = False


def next_piece(file: BinaryIO, place: Place, header: int, is_complete: bool) -> Piece | None:
    """What is there from `place` on; None while there is no whole line. `is_complete`: the last line needs no end."""
    file.seek(place.offset)
    chunk = file.read(CHUNK)
    end = chunk.rfind(b"\n") + 1
    if not end and len(chunk) == CHUNK:
        return Piece([], CHUNK, _place(file, place, CHUNK, 0, skips=True), too_long=not place.skips)
    if not end and chunk and is_complete:
        end = len(chunk)
    if not end:
        return None
    lines = chunk[:end].removesuffix(b"\n").split(b"\n")
    numbered = list(enumerate(lines, start=place.line + 1))[1 if place.skips else 0 :]
    wanted = [(number, line) for number, line in numbered if number > header]
    return Piece(wanted, end, _place(file, place, end, len(lines), skips=False))


def _place(file: BinaryIO, before: Place, size: int, lines: int, *, skips: bool) -> Place:
    offset = before.offset + size
    return Place(offset, before.line + lines, head_of(file, offset), skips)
