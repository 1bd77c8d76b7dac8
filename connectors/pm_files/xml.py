"""XML as a stream of elements, from strangers: no document type, no entities, bounded depth, text and markup."""

from collections.abc import Callable, Mapping
from typing import Final
from xml.parsers import expat

Start = Callable[[Mapping[str, str]], None]
End = Callable[[str], None]
_DEEPEST: Final = 32
_LONGEST: Final = 1024 * 1024


class DamagedXmlError(Exception):
    """The file cannot be read on: not well formed, hostile, or out of bounds."""


class Elements:
    """Calls `starts[name](attributes)` and `ends[name](text)`, names without prefix; text is what came since the last tag.

    Nothing is kept of what was read. A list's `append` takes the text, so that blanks between tags cost no call of ours.
    """

    def __init__(self, starts: Mapping[str, Start], ends: Mapping[str, End]) -> None:
        self._starts, self._ends = starts, ends
        self._local_starts: dict[str, Start | None] = {}
        self._local_ends: dict[str, End | None] = {}
        self._text: list[str] = []
        self._depth = 0
        self._fed = 0
        self.root: str | None = None
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.EntityDeclHandler = self._refuse_doctype

    @property
    def line(self) -> int:
        """Where the reading stands."""
        return self._parser.CurrentLineNumber

    def feed(self, piece: bytes, *, is_last: bool = False) -> None:
        """Read on; raises DamagedXmlError."""
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as error:
            raise DamagedXmlError(f"not well formed: {error}") from error
        except (ValueError, LookupError) as error:  # an encoding that nobody knows
            raise DamagedXmlError(str(error)) from error
        self._fed += len(piece)
        waiting = self._fed - max(self._parser.CurrentByteIndex, 0)
        if waiting > _LONGEST + len(piece) or sum(map(len, self._text)) > _LONGEST:
            raise DamagedXmlError(f"a tag or text of more than {_LONGEST} bytes")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._text.clear()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise DamagedXmlError(f"deeper than {_DEEPEST} elements")
        try:
            handler = self._local_starts[name]
        except KeyError:
            handler = self._learn(name)
        if handler is not None:
            handler(attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        handler = self._local_ends.get(name)
        if handler is not None:
            handler("".join(self._text))
        self._text.clear()

    def _learn(self, name: str) -> Start | None:
        if len(self._local_starts) >= 1000:
            raise DamagedXmlError("more than 1000 kinds of elements")
        local = name.rpartition(":")[2]
        self.root = self.root or local
        self._local_ends[name] = self._ends.get(local)
        return self._local_starts.setdefault(name, self._starts.get(local))

    def _refuse_doctype(self, *_: object) -> None:
        raise DamagedXmlError("a document type or entity, which we never read")
