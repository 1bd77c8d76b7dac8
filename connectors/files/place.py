"""How far a file has been read, and whether it is still the same file: what the spool keeps with its events."""

import hashlib
from typing import BinaryIO, Final

import msgspec

_HEAD: Final = 256


class Place(msgspec.Struct, frozen=True):
    """Bytes and lines read. `head` is a digest of the first bytes: another file under the same name begins anew.

    `skips`: we are inside a line that was too long, and pass by the rest of it.
    """

    offset: int = 0
    line: int = 0
    head: str = ""
    skips: bool = False

    def text(self) -> str:
        """As it is kept."""
        return msgspec.json.encode(self).decode()


def place_of(text: str | None) -> Place:
    """What `text` gave."""
    return Place() if text is None else msgspec.json.decode(text, type=Place)


def head_of(file: BinaryIO, offset: int) -> str:
    """The digest of what was read, at most the first bytes of it."""
    file.seek(0)
    return hashlib.sha256(file.read(min(_HEAD, offset))).hexdigest()[:16]


def is_same(file: BinaryIO, place: Place) -> bool:
    """Whether the file still begins as it did, and is as long as what was read of it."""
    if not place.offset:
        return True
    return file.seek(0, 2) >= place.offset and head_of(file, place.offset) == place.head
