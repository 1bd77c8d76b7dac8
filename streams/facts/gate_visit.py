"""One truck's visit from the steps and camera readings told of it: touch points, waits, turn times, what was read.

A visit may come in by one gate and leave by another. Whatever is missing leaves its column null; nothing is guessed.

Terms (contract section 3, domain words 11.4):

- touch point: a step whose actor is not `system`; manual touch point: a step with `manual` true;
- `entered_at`: the truck is inside, inward `gate_left`, else inward `barrier_opened`; `left_at`: outward `gate_left`;
- `transaction_s`: inward `lane_entered` to `barrier_opened`; `transaction_out_s`: the same outward;
- `turn_time_s`: `entered_at` to `left_at`; `total_turn_time_s`: `queued_at` to `left_at`;
- `wait_s_by_actor`: the time between two steps that follow each other belongs to the actor of the later one; the
  parts add up to `first_at` to `last_at`. The step back in the lane outward is the system's, so its part holds
  `inside_s`, the time between the two passages in which the gate sees nothing;
- `appointment_ok`: the first answer of the appointment check.

The first of repeated steps counts for times, each counts as a touch point. `outcome`: `complete` (left, and seen
coming in), `no_gate_in` (left without having been seen coming in), `clock_skew` (left before it came in: two gates
whose clocks disagree; times across them are null), `open`, `incomplete` (not left, and not heard of for longer than
the patience).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final, get_args

from schemas.events.gate import GateStepName
from schemas.facts import GATE_VISIT, GateOutcome
from streams.facts.camera import Readings, readings_of
from streams.facts.fact import Fact, Row, Rows
from streams.facts.order import is_past, seconds, seconds_between, told_once, us_between

PATIENCE: Final = timedelta(hours=24)
_RANKS: Final = {name: rank for rank, name in enumerate(get_args(GateStepName))}
_SAME: Final = ("gate_id", "lane", "direction", "step", "actor", "manual", "result", "reason", "equipment_reference")
_COMES_IN: Final = ("lane_entered", "barrier_opened", "gate_left")
_NO_REASON: Final = "unspecified"


def fold(key: str, rows: Rows, as_of: datetime, patience: timedelta = PATIENCE) -> list[Fact]:
    """The visit `<site>/<visit_id>` from its rows of `port.gate_step` and `port.ocr_read`; none without rows."""
    site, _, visit_id = key.partition("/")
    steps = told_once(rows.get("port.gate_step", ()), _SAME, _rank)
    reads = rows.get("port.ocr_read", ())
    heard = sorted(row["time"] for row in steps or reads)
    if not heard:
        return []
    by_way = {way: [step for step in steps if step["direction"] == way] for way in ("in", "out")}
    values: dict[str, Any] = {
        "visit_id": visit_id,
        "site": site,
        "first_at": heard[0],
        "last_at": heard[-1],
        **_places(by_way["in"], by_way["out"]),
        **_touches(steps),
        **_times(by_way["in"], by_way["out"]),
        **_cameras(readings_of(reads), steps),
    }
    values["outcome"] = _outcome(values, by_way["in"], is_past(patience, heard[-1], as_of))
    return [Fact(GATE_VISIT.kind, visit_id, values)]


def _rank(row: Row) -> int:
    return _RANKS[row["step"]] + (len(_RANKS) if row["direction"] == "out" else 0)


def _places(inward: Sequence[Row], outward: Sequence[Row]) -> dict[str, Any]:
    gate_in, lane_in = _lane(inward)
    gate_out, lane_out = _lane(outward)
    return {"gate_in": gate_in, "gate_out": gate_out, "lane_in": lane_in, "lane_out": lane_out}


def _lane(steps: Sequence[Row]) -> tuple[str | None, str | None]:
    """Gate and lane of the last step in a lane; a queue stands in front of several, so it is the last resort."""
    in_lane = [step for step in steps if step["step"] != "queue_entered"] or steps
    return (in_lane[-1]["gate_id"], in_lane[-1]["lane"]) if in_lane else (None, None)


def _touches(steps: Sequence[Row]) -> dict[str, Any]:
    exceptions = [step for step in steps if step["step"] == "exception"]
    checks = [step["result"] for step in steps if step["step"] == "appointment_checked"]
    answers = [result == "ok" for result in checks if result in ("ok", "fail")]
    return {
        "touch_points": sum(step["actor"] != "system" for step in steps),
        "manual_touch_points": sum(bool(step["manual"]) for step in steps),
        "wait_s_by_actor": _waits(steps),
        "exceptions": len(exceptions),
        "exception_reasons": dict(sorted(Counter(step["reason"] or _NO_REASON for step in exceptions).items())),
        "holds": sum(step["result"] == "hold" for step in steps),
        "appointment_ok": answers[0] if answers else None,
    }


def _waits(steps: Sequence[Row]) -> dict[str, float]:
    waits_us: Counter[str] = Counter()
    for before, after in pairwise(steps):
        waits_us[after["actor"]] += us_between(before["time"], after["time"])
    return {actor: seconds(us) for actor, us in sorted(waits_us.items())}


def _times(inward: Sequence[Row], outward: Sequence[Row]) -> dict[str, Any]:
    queued_at = _first(inward, "queue_entered")
    entered_at = _first(inward, "gate_left") or _first(inward, "barrier_opened")
    left_at = _first(outward, "gate_left")
    return {
        "queued_at": queued_at,
        "entered_at": entered_at,
        "left_at": left_at,
        "transaction_s": _transaction_s(inward),
        "transaction_out_s": _transaction_s(outward),
        "inside_s": seconds_between(inward[-1]["time"], outward[0]["time"]) if inward and outward else None,
        "turn_time_s": seconds_between(entered_at, left_at),
        "total_turn_time_s": seconds_between(queued_at, left_at),
    }


def _transaction_s(steps: Sequence[Row]) -> float | None:
    """From the lane's first sensor to the first opening after it: a barrier that opens twice has let through once."""
    begun = _first(steps, "lane_entered")
    opened = [step["time"] for step in steps if step["step"] == "barrier_opened" and begun and step["time"] >= begun]
    return seconds_between(begun, opened[0]) if opened else None


def _first(steps: Sequence[Row], name: str) -> datetime | None:
    return next((step["time"] for step in steps if step["step"] == name), None)


def _cameras(reads: Readings, steps: Sequence[Row]) -> dict[str, Any]:
    written = [step["equipment_reference"] for step in steps if step["equipment_reference"]]
    container, corrected_by = reads.container(written)
    return {
        "ocr_first_pass": reads.first_pass,
        "ocr_reads": len(reads.rows),
        "ocr_corrected": reads.corrected,
        "container_reads": reads.container_reads,
        "check_digit_failures": reads.check_digit_failures,
        "equipment_reference": container,
        "corrected_by": corrected_by,
    }


def _outcome(values: Mapping[str, Any], inward: Sequence[Row], past: bool) -> GateOutcome:
    entered_at, left_at = values["entered_at"], values["left_at"]
    if left_at is None:
        return "incomplete" if past else "open"
    if not any(step["step"] in _COMES_IN for step in inward):
        return "no_gate_in"
    return "clock_skew" if entered_at is not None and left_at < entered_at else "complete"
