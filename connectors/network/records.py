"""Decoded events to records: envelope, identity by origin and position, pieces that fit; the undecoded as it is."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from connectors.kafka.outgoing import CONTENT_TYPE, Outgoing, renamed, time_text
from connectors.network.decoded import Decoded, Undecoded
from connectors.network.subjects import Subjects

UNDECODED: Final = "qs-undecoded"
"""The header of a record that a gateway could not decode: why. The worker's dead letter says it as its detail."""
_MOST_BYTES: Final = 900_000  # of the 1 MiB a worker takes, with room for the envelope
_MOST_MEASUREMENTS: Final = 16_384
_MOST_DETAIL: Final = 1_000
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Origin:
    """What the identity of events is made of: their source, a name for the run, and how far times are shifted.

    The same run gives the same ids, bootid and sequences; another shift is another run.
    """

    source: str
    run: str
    shift: timedelta | None = None

    @property
    def name(self) -> str:
        """What ids and bootid start with."""
        return self.run if self.shift is None else renamed(self.run, self.shift)


@dataclass(frozen=True, slots=True)
class Made:
    """An event as it will be written, or bytes that are none; `position` counts what came of the origin, from 1.

    `undecoded`: why it is one for the worker to refuse. `time` is the event's as it is sent, where it is one.
    """

    position: int
    event: Mapping[str, Any] | None
    raw: bytes = b""
    time: datetime | None = None
    undecoded: str | None = None


def made(decoded: Iterable[Decoded | Undecoded], origin: Origin, subjects: Subjects) -> Iterator[Made]:
    """What a decoder gives with its envelope, in its order, numbered per subject and type."""
    numbers: Counter[tuple[str, str]] = Counter()
    position = 0
    for part in decoded:
        for piece in _pieces(part):
            position += 1
            if isinstance(piece, Undecoded):
                yield _undecoded(piece, position, origin, subjects)
                continue
            subject = subjects.of(piece.element, piece.object)
            numbers[subject, piece.type] += 1
            yield _event(piece, position, origin, (subject, numbers[subject, piece.type]))


def records(
    decoded: Iterable[Decoded | Undecoded], origin: Origin, subjects: Subjects, topic: str
) -> Iterator[Outgoing]:
    """The records of what a decoder gives, as `made`."""
    return (_record(one, topic) for one in made(decoded, origin, subjects))


def _record(one: Made, topic: str) -> Outgoing:
    said = () if one.undecoded is None else ((UNDECODED, one.undecoded[:_MOST_DETAIL].encode("utf-8", "replace")),)
    if one.event is None:
        return Outgoing(one.position, topic, None, one.raw, said, None, one.undecoded)
    key, value = one.event["subject"].encode(), _ENCODER.encode(one.event)
    time = None if said else one.time
    return Outgoing(one.position, topic, key, value, (CONTENT_TYPE, *said), time, one.undecoded)


def _pieces(part: Decoded | Undecoded) -> Iterator[Decoded | Undecoded]:
    """A report too large for a record becomes several, each a report of its own."""
    measurements = part.data.get("measurements") if isinstance(part, Decoded) else None
    if isinstance(part, Undecoded) or measurements is None or len(measurements) <= 1 or _fits(measurements):
        yield part
        return
    middle = len(measurements) // 2
    for half in (measurements[:middle], measurements[middle:]):
        yield from _pieces(replace(part, data={**part.data, "measurements": half}))


def _fits(measurements: list[dict[str, Any]]) -> bool:
    if len(measurements) > _MOST_MEASUREMENTS:
        return False
    # A hundred bytes a value is more than names and numbers are long; only what may be too large is measured.
    bins = sum(len(m["bins"]) for m in measurements if "bins" in m)
    return (len(measurements) + bins) * 100 <= _MOST_BYTES or len(_ENCODER.encode(measurements)) <= _MOST_BYTES


def _event(piece: Decoded, position: int, origin: Origin, own: tuple[str, int]) -> Made:
    subject, number = own
    time = piece.time if origin.shift is None else piece.time + origin.shift
    event = _envelope(piece.type, position, origin, subject)
    event["time"] = time_text(time)
    event["bootid"], event["sequence"] = origin.name, str(number)
    if origin.shift is not None:
        event["shiftedfrom"] = time_text(piece.time)
    event["data"] = piece.data
    return Made(position, event, time=time)


def _undecoded(piece: Undecoded, position: int, origin: Origin, subjects: Subjects) -> Made:
    if piece.type is None:
        return Made(position, None, piece.part, undecoded=piece.why)
    subject = subjects.of(piece.element or "", None)
    # Un-numbered: what is refused must not look like a number that is missing.
    event = _envelope(piece.type, position, origin, subject)
    if piece.time is not None:
        event["time"] = time_text(piece.time + (origin.shift or timedelta()))
    event["data"] = {"why": piece.why, "part": piece.part}
    return Made(position, event, time=piece.time, undecoded=piece.why)


def _envelope(kind: str, position: int, origin: Origin, subject: str) -> dict[str, Any]:
    head: Mapping[str, str] = {
        "specversion": "1.0",
        "id": f"{origin.name}-{position}",
        "source": origin.source,
        "type": kind,
        "subject": subject,
    }
    return dict(head)
