"""What a batch becomes: the values one transaction writes. Nothing here knows a database."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.outcome import Outcome, Reason
from streams.core.record import Record, TopicPartition
from streams.core.refusal import Refusal
from streams.core.sequence import StreamChange
from streams.facts.marks import Mark

LostKind = Literal["retention", "not_a_record", "unknown"]


class LostRange(NamedTuple):
    """Offsets from `start` up to but not including `end` that the broker did not have."""

    tp: TopicPartition
    start: int
    end: int
    kind: LostKind


@dataclass(frozen=True, slots=True)
class Progress:
    """One partition's step: the fence moves from `expected` to `next_offset`, and the counts in between."""

    tp: TopicPartition
    expected: int
    next_offset: int
    epoch: int
    accepted: int
    duplicate: int
    rejected: int
    missing: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A refused record as it came."""

    tp: TopicPartition
    record: Record
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Pause:
    """A partition that has had too many dead letters and stops until a person lifts it."""

    tp: TopicPartition
    detail: str


class Probe(NamedTuple):
    """A stored row to look for: the event (`source`, `event_id`) of `asset` at `time_us` in `table`."""

    table: str
    asset: str
    time_us: int
    source: str
    event_id: str


Tally = Counter[tuple[Outcome, Reason | None]]


@dataclass(frozen=True, slots=True)
class Writes:
    """Everything of one transaction. Rows and rollup deltas by table name; rollup rows sorted by key."""

    domain: str
    progress: tuple[Progress, ...]
    rows: Mapping[str, pa.RecordBatch] = field(default_factory=dict)
    rollups: Mapping[str, pa.Table] = field(default_factory=dict)
    streams: tuple[StreamChange, ...] = ()
    marks: tuple[Mark, ...] = ()
    dead_letters: tuple[DeadLetter, ...] = ()
    lost: tuple[LostRange, ...] = ()
    pauses: tuple[Pause, ...] = ()
    assets: frozenset[tuple[str, str]] = frozenset()
    sources: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Counter)
    accepted_us: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    skew_s: Mapping[str, float] = field(default_factory=dict)
    unknown_fields: int = 0
    strange: Mapping[str, int] = field(default_factory=dict)
    clear_names: Mapping[str, int] = field(default_factory=dict)
    key_mismatches: Mapping[str, int] = field(default_factory=dict)
