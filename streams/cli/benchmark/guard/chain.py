"""What is guarded: a fixed batch of crane samples through the pure stages, by the product's own interfaces.

decode (read) → judge (hold, streams, plan) → assemble (writes) → encode (the store's prepare). No I/O.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from connectors.timescale.store import TimescaleStore
from streams.cli.benchmark.guard.work import Work, count
from streams.cli.benchmark.workload import Workload, encode
from streams.core.bound import Bound
from streams.core.domain import Limits
from streams.core.record import Headers, Stretch, TopicPartition
from streams.core.sequence import StreamState
from streams.domains import crane
from streams.pipeline import Fence, Pipeline

SMALL, LARGE = 200, 800
CRANES = 40
START_US = 1_772_355_600_000_000
_TP = TopicPartition(crane.DOMAIN.topic, 0)
Stage = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Record:
    offset: int
    value: bytes
    key: bytes
    headers: Headers = ()
    timestamp: int = START_US // 1_000 + 60_000


@dataclass(frozen=True)
class Chain:
    """The stages; each takes what the one before returned, the first one a stretch of records."""

    pipeline: Pipeline = field(default_factory=lambda: Pipeline(crane.DOMAIN, Limits()))
    # Encoding needs no connection.
    store: TimescaleStore = field(default_factory=lambda: TimescaleStore(cast("Any", None), "guard", "guard"))

    def stages(self) -> dict[str, Stage]:
        """By name, in order."""
        return {"decode": self._read, "judge": self._judge, "assemble": self._assemble, "encode": self.store.prepare}

    def _read(self, stretch: Stretch) -> Any:
        return stretch, self.pipeline.read([stretch], {})

    def _judge(self, taken: Any) -> Any:
        stretch, batch = taken
        held = self.pipeline.hold([stretch], batch, {_TP: Bound(self.pipeline.limits)})
        states = {key: StreamState() for key in self.pipeline.streams(batch)}
        return self.pipeline.plan(batch, states, {_TP: Fence(0, 1)}, held.pauses)

    def _assemble(self, plan: Any) -> Any:
        return plan.writes(())


def records(count: int) -> Stretch:
    """The first `count` events: always the same bytes, all in one minute, one partition, numbered without a gap."""
    samples = Workload("guard", START_US, CRANES).samples(count)
    return Stretch(_TP, 0, [_Record(i, encode(s), s.crane.encode()) for i, s in enumerate(samples)])


def measure(stages: Mapping[str, Stage]) -> dict[str, Work]:
    """What one event costs in each stage."""
    # Imports, caches and names seen for the first time are not the event's.
    _run(stages, records(LARGE))
    small, large = (_counts(stages, records(size)) for size in (SMALL, LARGE))
    return {name: large[name].per_event(small[name], LARGE - SMALL) for name in stages}


def total(works: Sequence[Work]) -> Work:
    """The sum over stages; of peaks the highest."""
    sums = {kind: round(sum(getattr(w, kind) for w in works), 2) for kind in ("steps", "calls", "builtins", "blocks")}
    return Work(**sums, peak_bytes=max(work.peak_bytes for work in works))


def _run(stages: Mapping[str, Stage], value: Any) -> Any:
    for stage in stages.values():
        value = stage(value)
    return value


def _counts(stages: Mapping[str, Stage], value: Any) -> dict[str, Work]:
    counted = {}
    for name, stage in stages.items():
        counted[name] = count(lambda stage=stage, value=value: stage(value))  # type: ignore[misc]
        value = stage(value)
    return counted
