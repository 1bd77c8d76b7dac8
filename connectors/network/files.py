"""Files of network data, plain or gzip, to records. The only part of the decoders that reads anything."""

import gzip
import hashlib
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final, cast

from connectors.edge.event import Offered
from connectors.kafka.outgoing import Outgoing
from connectors.network.decoded import Decoded, Undecoded
from connectors.network.offers import TOPIC, offers
from connectors.network.records import Origin, records
from connectors.network.subjects import Subjects
from connectors.pm_files.decoder import PmFileDecoder
from connectors.ves.decoder import VesDecoder
from schemas.errors import ConfigurationError

_GZIP: Final = b"\x1f\x8b"
_PIECE: Final = 64 * 1024
_LARGEST_VES: Final = 64 * 1024 * 1024
_MOST_KEPT: Final = 768 * 1024
_DAMAGED: Final = (EOFError, gzip.BadGzipFile, zlib.error)


def origin_of(path: Path) -> Origin:
    """The origin of a file as it is: the first 16 hexadecimal digits of its SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    return Origin(f"/publish/{digest}", digest)


class NetworkFile:
    """One file, read anew by each call; `notes` counts what was remarkable in the last reading."""

    def __init__(self, path: Path, form: str, subjects: Subjects, topic: str | None = None) -> None:
        self._path = path
        self._decode = {"ves": self._ves, "pm-xml": self._pm_xml}[form]
        self._subjects = subjects
        self._topic = topic or TOPIC
        self._origin = origin_of(path)
        self.notes: Counter[str] = Counter()

    @property
    def digest(self) -> str:
        """What its identity is: the beginning of a digest of its bytes."""
        return self._origin.run

    def __call__(self, shift: timedelta | None) -> Iterator[Outgoing]:
        """Its records, shifted."""
        origin = Origin(self._origin.source, self._origin.run, shift)
        return records(self._decode(), origin, self._subjects, self._topic)

    def offers(self) -> Iterator[Offered]:
        """Its events, as a gateway offers them to its spool."""
        return offers(self._decode(), self._origin, self._subjects)

    def _ves(self) -> Iterator[Decoded | Undecoded]:
        decoder = VesDecoder()
        self.notes = decoder.notes
        try:
            with _opened(self._path) as file:
                content = file.read(_LARGEST_VES + 1)
        except _DAMAGED as error:
            yield _damaged(self._path, error)
            return
        if len(content) > _LARGEST_VES:
            raise ConfigurationError(f"{self._path} is larger than {_LARGEST_VES} bytes: write one message a line")
        for message in _messages(content):
            yield from decoder.decode(message)

    def _pm_xml(self) -> Iterator[Decoded | Undecoded]:
        decoder = PmFileDecoder()
        self.notes = decoder.notes
        try:
            with _opened(self._path) as file:
                while piece := file.read(_PIECE):
                    yield from decoder.feed(piece)
        except _DAMAGED as error:
            yield from decoder.broken_off()
            yield _damaged(self._path, error)
            return
        yield from decoder.close()


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        magic = file.read(2)
    return cast("BinaryIO", gzip.open(path, "rb")) if magic == _GZIP else path.open("rb")


def _damaged(path: Path, error: Exception) -> Undecoded:
    with path.open("rb") as file:
        return Undecoded(f"gzip is damaged: {error}", file.read(_MOST_KEPT))


def _messages(content: bytes) -> list[bytes]:
    """One message, or one a line: when the first line that is not blank is a whole JSON object and more follow."""
    lines = [line for line in content.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].strip().endswith(b"}") and VesDecoder.is_json(lines[0]):
        return lines
    return [content]
