"""Interchanges to messages: UNB, UNG, UNH and their trailers, whose counts and references must agree.

A message that is broken is one broken part; the messages around it are whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from connectors.edifact.syntax import (
    DEFAULT,
    REPERTOIRES,
    Segment,
    Signs,
    is_advice,
    raw_segments,
    segment_of,
    signs_of,
)
from connectors.messages.said import RefusedPartError

_SERVICE: Final = frozenset({"UNB", "UNG", "UNH", "UNT", "UNE", "UNZ"})


class Interchange(NamedTuple):
    """Who sent it to whom, under which reference, prepared when (as written), in which repertoire."""

    sender: str = ""
    recipient: str = ""
    reference: str = ""
    prepared: str = ""
    repertoire: str = "UNOC"


class Message(NamedTuple):
    """A whole message: its segments from UNH to UNT, and its text."""

    interchange: Interchange
    reference: str
    kind: tuple[str, ...]
    segments: tuple[Segment, ...]
    raw: str


class Broken(NamedTuple):
    """A part that is no message, where it stands, and its text."""

    why: str
    place: str
    raw: str


def read(content: bytes) -> Iterator[Message | Broken]:
    """The messages of a file: interchanges one after the other, or messages without any."""
    text = content.decode("latin-1").removeprefix("\xef\xbb\xbf")
    try:
        signs, rest = signs_of(text)
    except RefusedPartError as error:
        yield Broken(str(error), "UNA", text)
        return
    reading = _Reading(signs)
    for raw, is_ended in raw_segments(rest, signs):
        yield from reading.take(raw, is_ended)
    yield from reading.end()


@dataclass
class _Open:
    """A message whose UNT has not come yet."""

    header: Segment
    raws: list[str]
    segments: list[Segment]
    fault: str | None = None


@dataclass
class _Reading:
    signs: Signs = DEFAULT
    interchange: Interchange | None = None
    head: str = ""
    message: _Open | None = None
    messages: int = 0
    groups: int = 0
    of_group: int = 0
    stray: list[str] = field(default_factory=list)

    def take(self, raw: str, is_ended: bool) -> Iterator[Message | Broken]:
        tag = raw[:3]
        if not is_ended:
            yield from self._cut_off(raw)
        elif tag in _SERVICE:
            yield from self._strays()
            yield from self._service(raw)
        elif self.message is None:
            self.stray += [] if is_advice(raw, self.signs) else [raw]
        else:
            self._add(self.message, raw)

    def end(self) -> Iterator[Message | Broken]:
        yield from self._strays()
        yield from self._unfinished("the file ends")
        yield from self._unclosed("the file ends")

    def _service(self, raw: str) -> Iterator[Message | Broken]:
        try:
            segment = segment_of(raw, self.signs, len(self.message.segments) + 1 if self.message else 1)
        except RefusedPartError as error:
            yield Broken(str(error), self._place(), raw)
            return
        match segment.tag:
            case "UNT":
                yield from self._close(segment, raw)
            case "UNH":
                yield from self._unfinished("another begins")
                self.messages, self.of_group = self.messages + 1, self.of_group + 1
                self.message = _Open(segment, [raw], [segment])
            case "UNB":
                yield from self._unfinished("an interchange begins")
                yield from self._unclosed("another begins")
                self.interchange, self.head = _interchange(segment), raw
                self.messages = self.groups = 0
            case "UNG":
                self.groups, self.of_group = self.groups + 1, 0
            case "UNE":
                yield from self._unfinished("its group ends")
                yield from self._counted(segment, raw, self.of_group, "UNE")
            case _:
                yield from self._unfinished("its interchange ends")
                yield from self._trailer(segment, raw)

    def _add(self, message: _Open, raw: str) -> None:
        message.raws.append(raw)
        number = len(message.raws)
        try:
            message.segments.append(segment_of(raw, self.signs, number))
        except RefusedPartError as error:
            message.fault = message.fault or str(error)

    def _close(self, trailer: Segment, raw: str) -> Iterator[Message | Broken]:
        message = self.message
        if message is None:
            yield Broken("UNT without UNH", self._place(), raw)
            return
        message.raws.append(raw)
        text = self._joined(message.raws)
        fault = message.fault or self._fault(message, trailer, text)
        if fault:
            yield Broken(fault, self._place(), text)
        else:
            header = message.header
            kind = header.elements[1] if len(header.elements) > 1 else ("",)
            segments = (*message.segments, trailer._replace(number=len(message.raws)))
            where = self.interchange or Interchange()
            yield Message(where, header.get(0), tuple(map(str.strip, kind)), segments, text)
        self.message = None

    def _fault(self, message: _Open, trailer: Segment, text: str) -> str | None:
        count, reference = trailer.get(0), trailer.get(1)
        if count != str(len(message.raws)) and count.lstrip("0") != str(len(message.raws)):
            return f"UNT says {count or 'nothing'}, there are {len(message.raws)} segments"
        if reference != message.header.get(0):
            return f"UNT has reference {reference!r}, UNH {message.header.get(0)!r}"
        repertoire = (self.interchange or Interchange()).repertoire
        if repertoire not in REPERTOIRES:
            return f"repertoire {repertoire!r} is not read: {', '.join(REPERTOIRES)}"
        if REPERTOIRES[repertoire] == "ascii" and not text.isascii():
            return f"{repertoire} has no {next(c for c in text if not c.isascii())!r}"
        return None

    def _trailer(self, segment: Segment, raw: str) -> Iterator[Broken]:
        if self.interchange is None:
            yield Broken("UNZ without UNB", self._place(), raw)
            return
        yield from self._counted(segment, raw, self.groups or self.messages, "UNZ")
        if segment.get(1) != self.interchange.reference:
            yield Broken(f"UNZ has reference {segment.get(1)!r}", self._place(), raw)
        self.interchange = None

    def _counted(self, segment: Segment, raw: str, count: int, name: str) -> Iterator[Broken]:
        said = segment.get(0)
        if not said.isdecimal() or int(said) != count:
            yield Broken(f"{name} says {said or 'nothing'}, there are {count}: one may be missing", self._place(), raw)

    def _unfinished(self, because: str) -> Iterator[Broken]:
        if self.message is not None:
            yield Broken(f"no UNT: {because}", self._place(), self._joined(self.message.raws))
            self.message = None

    def _unclosed(self, because: str) -> Iterator[Broken]:
        if self.interchange is not None:
            where, self.interchange = self._place(), None
            yield Broken(f"no UNZ: {because}; a message may be missing", where, self.head)

    def _cut_off(self, raw: str) -> Iterator[Broken]:
        if self.message is None:
            yield Broken(f"{raw[:20]!r} has no terminator", self._place(), raw)
            return
        self.message.raws.append(raw)

    def _strays(self) -> Iterator[Broken]:
        if self.stray:
            raw, self.stray = self._joined(self.stray), []
            yield Broken("segments outside a message", self._place(), raw)

    def _joined(self, raws: list[str]) -> str:
        return "".join(f"{raw}{self.signs.terminator}" for raw in raws)

    def _place(self) -> str:
        parts = []
        if self.interchange is not None:
            parts.append(f"interchange {self.interchange.reference}")
        if self.message is not None:
            parts.append(f"message {self.message.header.get(0)}")
        return ", ".join(parts) or "file"


def _interchange(segment: Segment) -> Interchange:
    prepared = f"{segment.get(3, 0)}{segment.get(3, 1)}"
    return Interchange(segment.get(1), segment.get(2), segment.get(4), prepared, segment.get(0))
