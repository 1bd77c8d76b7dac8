"""The kinds of facts: which raw tables each is folded from, by what key, and how long one may stay open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

from schemas.facts import CARGO_VISIT, CELL_ALARM, CRANE_CYCLE, GATE_VISIT, VESSEL_CALL, FactTable
from streams.facts import cargo_visit, cell_alarm, crane_cycle, gate_visit, vessel_call
from streams.facts.crane_samples import Samples
from streams.facts.fact import Fact, Fold, Row


@dataclass(frozen=True, slots=True)
class KeyedKind:
    """Rebuilt whole, from all rows of a key `<site>/<value>`; `column` holds the value in raw rows and facts.

    Rows are sought from `reach` before the earliest that is known of the key: what says anything earlier is another.
    """

    table: FactTable
    column: str
    raw: tuple[str, ...]
    fold: Fold
    patience: timedelta
    reach: timedelta


class CraneFold(Protocol):
    """The cycles of a crane from its samples and what came beside them, going on from a stored cycle's `state`."""

    def __call__(
        self,
        crane_id: str,
        start_state: Mapping[str, Any] | None,
        samples: Samples,
        statuses: Sequence[Row],
        jobs: Sequence[Row],
        assignments: Sequence[Row],
    ) -> list[Fact]: ...


@dataclass(frozen=True, slots=True)
class CraneKind:
    """Folded on from a stored cycle. Rows change no cycle that ended more than `reach` before them.

    `beside` are the tables of what the fold takes beside samples, in the order it takes them.
    """

    table: FactTable
    fold: CraneFold
    beside: tuple[str, ...]
    reach: timedelta


# An edge is confirmed by the samples after it, a job may be delivered long after it.
_CONFIRMS: Final = timedelta(seconds=5)
CRANE: Final = CraneKind(
    CRANE_CYCLE,
    crane_cycle.fold,
    ("port.crane_status", "port.crane_job", "port.crane_assignment"),
    reach=crane_cycle.LOOK_AHEAD + _CONFIRMS,
)
GATE: Final = KeyedKind(
    GATE_VISIT,
    "visit_id",
    ("port.gate_step", "port.ocr_read"),
    gate_visit.fold,
    gate_visit.PATIENCE,
    reach=timedelta(days=7),
)
CARGO: Final = KeyedKind(
    CARGO_VISIT,
    "equipment_reference",
    ("port.cargo_milestone",),
    cargo_visit.fold,
    cargo_visit.PATIENCE,
    reach=timedelta(days=30),
)
VESSEL: Final = KeyedKind(
    VESSEL_CALL,
    "call_id",
    ("port.vessel_milestone",),
    vessel_call.fold,
    vessel_call.PATIENCE,
    reach=timedelta(days=30),
)
# A cell sends a heartbeat every half minute for years: connectors/timescale/alarm_folding.py goes on from stored alarms.
CELL: Final = KeyedKind(
    CELL_ALARM,
    "cell_id",
    (cell_alarm.ALARMS, cell_alarm.HEARTBEATS),
    cell_alarm.fold,
    cell_alarm.PATIENCE,
    reach=timedelta(days=30),
)
KEYED: Final[Mapping[str, KeyedKind]] = {kind.table.kind: kind for kind in (GATE, CARGO, VESSEL, CELL)}
