"""The shape that CODECO and COARRI share: a document, transport and places, then one group of segments per piece of equipment."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from connectors.edifact.interchange import Message
from connectors.edifact.syntax import Segment
from connectors.messages.said import RefusedPartError

KINDS: Final = frozenset({"CODECO", "COARRI"})
_MAIN_CARRIAGE: Final = "20"
_INLAND: Final = ("1", "10", "30")
# BGM 1225: what a milestone can follow from. A cancellation takes back, and there is no event that does.
_FUNCTIONS: Final = frozenset({"", "9", "5", "4", "22"})
_EQUIPMENT_COUNT: Final = "16"


class Part:
    """Segments that belong together: a header, or the group of one piece of equipment."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = segments
        self._by_tag: dict[str, list[Segment]] = {}
        for segment in segments:
            self._by_tag.setdefault(segment.tag, []).append(segment)

    def all(self, tag: str) -> Sequence[Segment]:
        """The segments of that tag."""
        return self._by_tag.get(tag, ())

    def first(self, tag: str, *qualifiers: str) -> Segment | None:
        """The first of them; with qualifiers, the first that the first of these begins, else the next."""
        found = self.all(tag)
        if not qualifiers:
            return found[0] if found else None
        return next((s for qualifier in qualifiers for s in found if s.get(0) == qualifier), None)

    def get(self, tag: str, qualifier: str, component: int = 1) -> str:
        """A component of the composite that the qualifier begins (RFF, DTM), or an empty text."""
        found = self.first(tag, qualifier)
        return found.get(0, component) if found else ""


class Report(NamedTuple):
    """A message taken apart. `code` and `number` are of its BGM."""

    kind: str
    code: str
    number: str
    function: str
    header: Part
    equipment: tuple[Part, ...]

    @property
    def vessel(self) -> Segment | None:
        """The main carriage."""
        return self.header.first("TDT", _MAIN_CARRIAGE)

    def inland(self, group: Part) -> Segment | None:
        """The inland leg of a piece of equipment, else of the whole report."""
        return group.first("TDT", *_INLAND) or self.header.first("TDT", *_INLAND)


def report_of(message: Message) -> Report:
    """Raises RefusedPartError where the message has no BGM, takes something back, or lost equipment on the way."""
    body = message.segments[1:-1]
    document = next((s for s in body if s.tag == "BGM"), None)
    if document is None:
        raise RefusedPartError("no BGM")
    if document.get(2) not in _FUNCTIONS:
        raise RefusedPartError(f"BGM function {document.get(2)}: taken are 9, 4, 5 and 22; nothing can be taken back")
    header, groups = _parted(body)
    trailer = next((s for s in body if s.tag == "CNT" and s.get(0) == _EQUIPMENT_COUNT), None)
    if trailer is not None and trailer.get(0, 1) != str(len(groups)):
        raise RefusedPartError(
            f"CNT says {trailer.get(0, 1) or 'nothing'} pieces of equipment, there are {len(groups)}"
        )
    return Report(message.kind[0], document.get(0), document.get(1), document.get(2), header, groups)


def _parted(body: Sequence[Segment]) -> tuple[Part, tuple[Part, ...]]:
    starts = [i for i, segment in enumerate(body) if segment.tag == "EQD"]
    ends = [
        *starts[1:],
        next((i for i, s in enumerate(body) if s.tag == "CNT" and starts and i > starts[-1]), len(body)),
    ]
    groups = tuple(Part(body[start:end]) for start, end in zip(starts, ends, strict=True)) if starts else ()
    return Part(body[: starts[0]] if starts else body), groups
