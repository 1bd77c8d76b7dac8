"""A PM file of TS 32.435 or TS 28.550/28.532 to events: one report per measured object, as soon as it has been read.

Both layouts: `measType p=` with `r p=`, and the lists `measTypes` with `measResults`. Names of elements count, their
namespace does not: it differs between releases, the elements hardly do.
"""

import itertools
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from connectors.network.decoded import MEASUREMENT, Decoded, RefusedPartError, Undecoded
from connectors.network.numbers import flag, measured
from connectors.pm_files.period import end_time, whole_seconds
from connectors.pm_files.xml import DamagedXmlError, Elements

Part = Decoded | Undecoded
_ROOTS: Final = ("measCollecFile", "measDataFile")
_MOST_KEPT: Final = 768 * 1024
_MOST_REFUSED_BYTES: Final = 512 * 1024
_MOST_TYPES: Final = 65_536
_LONGEST_NAME: Final = 256
_LONGEST_WORD: Final = 512
_ENCODER: Final = msgspec.json.Encoder()


class PmFileDecoder:
    """Takes a file in pieces. Memory: one measured object, the types of one `measInfo`, what was refused since."""

    def __init__(self) -> None:
        self.notes: Counter[str] = Counter()
        starts = {
            "fileHeader": self._file_header,
            "fileSender": self._element,
            "managedElement": self._element,
            "measEntity": self._element,
            "measInfo": self._info,
            "granPeriod": self._period,
            "measType": self._type_start,
            "measValue": self._object,
            "r": self._result_start,
        }
        ends = {
            "measType": self._type_end,
            "measTypes": self._types_end,
            "r": self._result_end,
            "measResults": self._results_end,
            "suspect": self._suspect_end,
            "measValue": self._object_end,
        }
        self._elements = Elements(starts, ends)
        self._kept: deque[bytes] = deque()
        self._kept_bytes = 0
        self._damage: str | None = None
        self._has_lost = False
        self._made: list[Part] = []
        self._refused: list[dict[str, Any]] = []
        self._refused_bytes = 0
        self._is_over = False
        self._vendor: str | None = None
        self._managed_element: str | None = None
        self._info({})
        self._object({})

    def feed(self, piece: bytes) -> Iterator[Part]:
        """The parts that end in this piece of the file."""
        yield from self._parse(piece, is_last=False)

    def close(self) -> Iterator[Part]:
        """After the last piece: what remains."""
        yield from self._parse(b"", is_last=True)
        yield from self.broken_off()

    def broken_off(self) -> Iterator[Part]:
        """What was refused and not yet given; a damaged file as it is, as far as it is kept."""
        if self._refused:
            yield self._set_free()
        if self._damage is not None and not self._is_over:
            self._is_over = True
            yield Undecoded(f"PM file, {self._damage}", b"".join(self._kept))

    def _parse(self, piece: bytes, *, is_last: bool) -> Iterator[Part]:
        if self._is_over:
            return
        self._keep(piece)
        if self._damage is None:
            try:
                self._elements.feed(piece, is_last=is_last)
                self._check_root()
            except DamagedXmlError as error:
                part = " (not the whole file)" if self._has_lost else ""
                self._damage = f"line {self._elements.line}: {error}{part}"
        yield from self._take()
        if self._damage is not None and self._kept_bytes >= _MOST_KEPT:
            yield from self.broken_off()

    def _keep(self, piece: bytes) -> None:
        """The end of what was read: the whole of a small file, and of a damaged one also what follows."""
        self._kept.append(piece)
        self._kept_bytes += len(piece)
        while self._damage is None and len(self._kept) > 1 and self._kept_bytes - len(self._kept[0]) >= _MOST_KEPT:
            self._kept_bytes -= len(self._kept.popleft())
            self._has_lost = True

    def _check_root(self) -> None:
        if self._elements.root not in {None, *_ROOTS}:
            raise DamagedXmlError(f"root {str(self._elements.root)[:64]} is none of {', '.join(_ROOTS)}")

    def _take(self) -> list[Part]:
        made, self._made = self._made, []
        return made

    # The file.

    def _file_header(self, attributes: Mapping[str, str]) -> None:
        self._vendor = _word(attributes.get("vendorName"))
        self._managed_element = _word(attributes.get("senderName")) or self._managed_element

    def _element(self, attributes: Mapping[str, str]) -> None:
        self._managed_element = _word(attributes.get("localDn")) or self._managed_element

    # One measInfo: types and period.

    def _info(self, attributes: Mapping[str, str]) -> None:
        self._info_id = attributes.get("measInfoId")
        self._types: dict[str, str] = {}
        self._type_p = ""
        self._time: datetime | None = None
        self._granularity_s: int | None = None
        self._no_period = "granPeriod is missing"

    def _period(self, attributes: Mapping[str, str]) -> None:
        try:
            self._granularity_s = whole_seconds(attributes.get("duration"))
            self._time = end_time(attributes.get("endTime"))
        except RefusedPartError as refused:
            self._no_period = f"granPeriod: {refused}"

    def _type_start(self, attributes: Mapping[str, str]) -> None:
        self._type_p = attributes.get("p", "").strip()

    def _type_end(self, text: str) -> None:
        name = text.strip()
        if self._type_p in self._types or len(self._types) >= _MOST_TYPES:
            self._set_aside(f"measType p {self._type_p[:20]!r} comes twice or once too often", {"measType": name})
        elif 0 < len(name) <= _LONGEST_NAME:
            self._types[self._type_p] = name
        else:
            self._set_aside(f"measType p {self._type_p[:20]!r} is no name", {"measType": name})

    def _types_end(self, text: str) -> None:
        for position, name in enumerate(text.split(), start=1):
            self._type_p = str(position)
            self._type_end(name)

    # One measValue: results of a measured object.

    def _object(self, attributes: Mapping[str, str]) -> None:
        self._object_ldn = attributes.get("measObjLdn", "")
        self._results: list[tuple[str, str]] = []
        self._lists: str | None = None
        self._suspect: str | None = None

    def _result_start(self, attributes: Mapping[str, str]) -> None:
        self._result_p = attributes.get("p", "")

    def _result_end(self, text: str) -> None:
        self._results.append((self._result_p, text))

    def _results_end(self, text: str) -> None:
        self._lists = text

    def _suspect_end(self, text: str) -> None:
        self._suspect = text

    def _object_end(self, _text: str) -> None:
        try:
            report = self._report()
        except RefusedPartError as refused:
            results = self._results if self._lists is None else self._lists
            self._set_aside(str(refused), {"types": list(self._types.values()), "results": results})
            return
        if report.data["measurements"]:
            self._made.append(report)

    def _report(self) -> Decoded:
        if self._time is None or self._granularity_s is None:
            raise RefusedPartError(self._no_period)
        # An empty name means the element itself (TS 32.435).
        measured_object = _word(self._object_ldn) or self._managed_element
        if self._managed_element is None or measured_object is None:
            raise RefusedPartError("neither managedElement nor measObjLdn has a name")
        data = {
            "granularity_s": self._granularity_s,
            "object": measured_object,
            "managed_element": self._managed_element,
            "vendor": self._vendor,
            "suspect": flag(self._suspect),
            "measurements": self._measurements(),
        }
        return Decoded(MEASUREMENT, self._managed_element, self._time, data)

    def _measurements(self) -> list[dict[str, Any]]:
        made: dict[str, list[dict[str, Any]]] = {}
        types = self._types
        for p, text in self._results if self._lists is None else self._listed(self._lists):
            name = types.get(p) or types.get(p.strip())
            if name is None or p in made:
                why = "comes twice" if name else f"is none of the {len(types)} types"
                self._set_aside(f"p {p[:20]!r} {why}", {"name": name, "result": text})
                continue
            try:
                made[p] = measured(name, text)
            except RefusedPartError as refused:
                self._set_aside(f"{name}: {refused}", {"name": name, "result": text})
        return list(itertools.chain.from_iterable(made.values()))

    def _listed(self, text: str) -> list[tuple[str, str]]:
        values = text.split()
        if len(values) != len(self._types):
            # Which one is missing cannot be told, so none has a place.
            raise RefusedPartError(f"{len(values)} results for {len(self._types)} types")
        return [(str(position), value) for position, value in enumerate(values, start=1)]

    # What is refused.

    def _set_aside(self, why: str, part: Mapping[str, Any]) -> None:
        at = {"line": self._elements.line, "measInfoId": self._info_id, "measObjLdn": self._object_ldn}
        refused = {"why": why, **at, **part}
        self._refused.append(refused)
        self._refused_bytes += len(_ENCODER.encode(refused))
        if self._refused_bytes > _MOST_REFUSED_BYTES:
            self._made.append(self._set_free())

    def _set_free(self) -> Undecoded:
        refused, self._refused, self._refused_bytes = self._refused, [], 0
        first, more = refused[0], f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        why = f"PM file, line {first['line']}: {first['why']}{more}"
        return Undecoded(why, refused, MEASUREMENT, self._managed_element, self._time)


def _word(text: str | None) -> str | None:
    stripped = (text or "").strip()
    return stripped if 0 < len(stripped) <= _LONGEST_WORD else None
