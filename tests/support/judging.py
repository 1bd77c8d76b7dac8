"""The pure pipeline run by hand: stretches in, a plan or its Writes out."""

from collections.abc import Collection, Mapping, Sequence

from streams.core.batch import Forced
from streams.core.domain import Limits
from streams.core.record import Stretch, TopicPartition
from streams.core.sequence import StreamKey, StreamState
from streams.core.writes import Pause, Writes
from streams.domains import DOMAINS
from streams.pipeline import Fence, Pipeline, Plan

States = Mapping[StreamKey, StreamState]
Fences = Mapping[TopicPartition, Fence]


def pipeline(domain: str = "crane", limits: Limits | None = None) -> Pipeline:
    """A fresh pipeline of a domain."""
    (found,) = [d for d in DOMAINS if d.name == domain]
    return Pipeline(found, limits or Limits())


def following(stretches: Sequence[Stretch], epoch: int = 1) -> dict[TopicPartition, Fence]:
    """Fences that stand exactly where the stretches start."""
    return {s.tp: Fence(s.records[0].offset, epoch) for s in stretches}


def planned(
    stretches: Sequence[Stretch],
    *,
    by: Pipeline | None = None,
    states: States | None = None,
    fences: Fences | None = None,
    forced: Forced | None = None,
    pauses: tuple[Pause, ...] = (),
) -> Plan:
    """A plan; streams without a given state are new."""
    by = by or pipeline()
    batch = by.read(stretches, forced or {})
    known = {key: (states or {}).get(key, StreamState()) for key in by.streams(batch)}
    return by.plan(batch, known, fences or following(stretches), pauses)


def written(
    stretches: Sequence[Stretch],
    *,
    stored: Collection[tuple[str, str]] = (),
    by: Pipeline | None = None,
    states: States | None = None,
    fences: Fences | None = None,
    forced: Forced | None = None,
) -> Writes:
    """What a batch becomes when the probes find `stored`."""
    plan = planned(stretches, by=by, states=states, fences=fences, forced=forced)
    return plan.writes({p for p in plan.probes if (p.source, p.event_id) in stored})


def counts(writes: Writes) -> dict[str, int]:
    """Records by outcome, of all partitions."""
    names = ("accepted", "duplicate", "rejected", "missing")
    return {name: sum(getattr(step, name) for step in writes.progress) for name in names}
