"""Events of a benchmark: samples of many cranes, each at 10 Hz. An event is a pure function of its number.

`Disturbed` sends some of them twice and some late; events of every type are in mixture.py.
"""

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import msgspec

from schemas.events.crane import CraneSample

CRANES = 400
GATEWAYS = 5
STEP_US = 100_000
TOPIC = "crane-events"
MINUTE_US = 60_000_000
LATE_IN, REPEAT_EVERY = 17, 9
HELD, LATEST_MINUTES = 4_000, 60
RECENT, LONG_AGO = 50, 20_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Record(NamedTuple):
    """What Kafka gets."""

    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of one crane; `time_us` is its event time in epoch µs, `load_t` None where nothing hangs."""

    crane: str
    source: str
    event_id: str
    bootid: str
    sequence: int
    time_us: int
    hoist_position_m: float
    hoist_speed_mps: float
    load_t: float | None
    wind_mps: float
    power_kw: float

    def data(self) -> dict[str, float]:
        """The data fields that are present."""
        values = {
            "hoist_position_m": self.hoist_position_m,
            "hoist_speed_mps": self.hoist_speed_mps,
            "load_t": self.load_t,
            "wind_mps": self.wind_mps,
            "power_kw": self.power_kw,
        }
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Workload:
    """`cranes` cranes sample in turn; `boot` names the run, so that two runs share no event."""

    boot: str
    start_us: int
    cranes: int = CRANES
    step_us: int = STEP_US

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The cranes' subjects."""
        return tuple(f"VNHPH-TANVU-STS{number:03d}" for number in range(self.cranes))

    def samples(self, count: int) -> Iterator[Sample]:
        """The first `count` events, in order of time: all cranes, then a step later all cranes again."""
        return (self.sample(number, self.start_us + number // self.cranes * self.step_us) for number in range(count))

    def records(self, count: int) -> Iterator[Record]:
        """The same as Kafka gets them."""
        return (Record(TOPIC, sample.crane.encode(), encode(sample)) for sample in self.samples(count))

    def sample(self, number: int, time_us: int) -> Sample:
        """Event `number` (from 0), dated `time_us`."""
        crane = number % self.cranes
        # Knuth's multiplicative hash: values that look measured, the same in every run.
        mixed = (number * 2_654_435_761) & 0xFFFF_FFFF
        return Sample(
            crane=self.names[crane],
            source=f"/vnhph/tanvu/gw-{crane % GATEWAYS:02d}",
            event_id=f"{self.boot}-{number}",
            bootid=self.boot,
            sequence=number // self.cranes + 1,
            time_us=time_us,
            hoist_position_m=(mixed & 0xFFF) / 100,
            hoist_speed_mps=((mixed >> 4) & 0xFF) / 100,
            load_t=None if mixed & 0x10000 else ((mixed >> 8) & 0xFFF) / 100,
            wind_mps=((mixed >> 12) & 0x3FF) / 100,
            power_kw=((mixed >> 16) & 0x7FFF) / 100,
        )


@dataclass(frozen=True)
class Disturbed(Workload):
    """Every tenth record repeats an earlier event, in turn a recent and an old one; about every twentieth comes late.

    A late event keeps the number it had, is overtaken by `HELD` others, and happened up to an hour before them.
    """

    def samples(self, count: int) -> Iterator[Sample]:
        """The first `count` records in order of sending: repeats are in it, what is still held back is not."""
        return islice(self._with_repeats(self._with_late_ones()), count)

    def _with_late_ones(self) -> Iterator[Sample]:
        held: deque[tuple[int, Sample]] = deque()
        for number in itertools.count():
            while held and held[0][0] <= number:
                yield held.popleft()[1]
            time_us = self.start_us + number // self.cranes * self.step_us
            if number % LATE_IN:
                yield self.sample(number, time_us)
            else:
                earlier_us = (number // LATE_IN % LATEST_MINUTES + 1) * MINUTE_US
                held.append((number + HELD, self.sample(number, time_us - earlier_us)))

    def _with_repeats(self, samples: Iterator[Sample]) -> Iterator[Sample]:
        sent: deque[Sample] = deque(maxlen=LONG_AGO)
        for number, sample in enumerate(samples, 1):
            sent.append(sample)
            yield sample
            if number % REPEAT_EVERY == 0:
                is_old = number // REPEAT_EVERY % 2 == 0
                yield sent[0 if is_old else max(0, len(sent) - RECENT)]


def encode(sample: Sample) -> bytes:
    """The sample as a CloudEvent in structured mode, about 300 bytes."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": sample.event_id,
            "source": sample.source,
            "type": CraneSample.TYPE,
            "subject": sample.crane,
            "time": rfc3339(sample.time_us),
            "bootid": sample.bootid,
            "sequence": sample.sequence,
            "data": sample.data(),
        }
    )


def rfc3339(time_us: int) -> str:
    """Epoch µs as RFC 3339 in UTC, to the millisecond: what a gateway writes."""
    moment = _EPOCH + timedelta(microseconds=time_us)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
