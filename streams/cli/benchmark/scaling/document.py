"""The result file of a course: per curve its points, medians of the rounds, and how the cost grew."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from streams.cli.benchmark.scaling.beside import RATE, Beside
from streams.cli.benchmark.scaling.extent import CURVES, Extent
from streams.cli.benchmark.scaling.handover import Handover
from streams.cli.benchmark.scaling.memory import Memory
from streams.cli.benchmark.scaling.pull import Pull

PARTS = ("worker", "database", "broker")


@dataclass(frozen=True, slots=True)
class Run:
    """Round `number` of the point `at` of a curve; `dropped` rows went meanwhile, all of them in time or not."""

    curve: str
    at: int
    number: int
    found: Pull | None = None
    dropped: int = 0
    is_dropped_in_time: bool = True


def document(
    machine: Mapping[str, Any],
    extent: Extent,
    runs: Sequence[Run],
    handover: Handover | None = None,
    besides: Sequence[Beside] = (),
    memory: Memory | None = None,
) -> dict[str, Any]:
    """Everything that a table, a picture and a reader need."""
    curves = [name for name in CURVES if any(run.curve == name for run in runs)]
    return {
        "machine": dict(machine),
        "extent": {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(extent).items()},
        "curves": {name: _curve([run for run in runs if run.curve == name]) for name in curves},
        "rebalance": None if handover is None else _handover(handover),
        "memory": None if memory is None else _memory(memory),
        "backfill": [
            _beside([run for run in besides if run.limit == at]) for at in sorted({run.limit for run in besides})
        ],
    }


def wrong(result: Mapping[str, Any]) -> list[str]:
    """Points at which not every row was stored once, each with its first fault."""
    faults = [
        f"{name} {point['at']}: {point['faults'][0]}"
        for name, curve in result["curves"].items()
        for point in curve["points"]
        if point["faults"]
    ]
    rebalance = result["rebalance"]
    if rebalance and not rebalance["rows_ok"]:
        faults.append("rebalance: not every event was stored once")
    return faults + [
        f"backfill {point['limit']}: not every live event was stored, or history was over too soon"
        for point in result.get("backfill", ())
        if not point["complete"]
    ]


def _curve(runs: Sequence[Run]) -> dict[str, Any]:
    points = [_point([run for run in runs if run.at == at]) for at in sorted({run.at for run in runs})]
    return {"points": points, "growth": growth(points)}


def growth(points: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The cost of an event at the last point over that at the first: 1 is flat; by part and in all."""
    first, last = points[0]["cpu_us_per_event"], points[-1]["cpu_us_per_event"]
    parts = {part: last[part] / first[part] for part in PARTS if first[part]}
    return {name: round(value, 2) for name, value in {**parts, "all": sum(last.values()) / sum(first.values())}.items()}


def _point(runs: Sequence[Run]) -> dict[str, Any]:
    pulls = [run.found for run in runs if run.found is not None]
    point = {
        "at": runs[0].at,
        "events_per_s": round(median(pull.events_per_s for pull in pulls)),
        "events_per_s_rounds": [round(pull.events_per_s) for pull in pulls],
        "cpu_us_per_event": {
            part: float(f"{median(pull.cpu_us_per_event[part] for pull in pulls):.3g}") for part in PARTS
        },
        "pause_ms": round(max(pull.pause_ms for pull in pulls)),
        "rss_mb": round(max(pull.rss_mb for pull in pulls)),
        "faults": [fault for pull in pulls for fault in pull.faults],
    }
    if runs[0].curve == "chunks":
        point |= {"rows_dropped": runs[0].dropped, "dropped_in_time": all(run.is_dropped_in_time for run in runs)}
    return point


def _beside(runs: Sequence[Beside]) -> dict[str, Any]:
    waits = [run.waits for run in runs]
    return {
        "limit": runs[0].limit,
        "rate": RATE,
        "events": sum(wait.events for wait in waits),
        "p50_ms": round(median(wait.p50_ms for wait in waits)),
        "p99_ms": round(median(wait.p99_ms for wait in waits)),
        "p99_ms_rounds": [round(wait.p99_ms) for wait in waits],
        "p999_ms": round(median(wait.p999_ms for wait in waits)),
        "max_ms": round(max(wait.max_ms for wait in waits)),
        "acked_p99_ms": round(median(wait.acked_p99_ms for wait in waits)),
        "stored_p50_ms": round(median(run.stored_p50_ms for run in runs)),
        "stored_p99_ms": round(median(run.stored_p99_ms for run in runs)),
        "history_per_s": round(median(run.history_per_s for run in runs)),
        "complete": all(run.is_complete for run in runs),
    }


def _handover(found: Handover) -> dict[str, Any]:
    seconds = {name: round(value, 3) for name, value in asdict(found).items() if name.endswith("_s")}
    return {"rate": found.rate, **seconds, "rows_ok": found.is_complete}


def _memory(found: Memory) -> dict[str, Any]:
    return {
        "seconds": round(found.seconds),
        "events": found.events,
        "least_waiting": found.least_waiting,
        "behind_s": round(found.behind_s),
        "peak_mb": round(found.peak_mb),
        "growth_mb_per_h": round(found.growth_mb_per_h, 1),
        "minutes_mb": [round(mb) for mb in found.minutes_mb()],
    }
