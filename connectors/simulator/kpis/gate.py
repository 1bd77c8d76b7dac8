"""Gates: visits by when they end, passages by when the truck is through."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from connectors.simulator.kpis.number import Number, mean, ratio, share
from connectors.simulator.kpis.window import Window

Visit = Mapping[str, Any]
"""A row of `port.gate_visit` as a scenario states it, whole, its times in epoch ms."""
_MINUTE_S: Final = 60
_QUARTER_MS: Final = 900_000


class Passage(NamedTuple):
    """A truck through a lane; `transaction_s` from the lane's first sensor to the barrier."""

    at_ms: int | None
    lane: tuple[str | None, str | None]
    transaction_s: float | None


def gate_numbers(visits: Sequence[Visit], window: Window) -> Iterator[Number]:
    """Of each gate and lane, and of all."""
    ended = [visit for visit in visits if visit["outcome"] != "open" and window.holds(_end(visit))]
    if ended:
        yield from _visits(ended)
        yield from _reasons(ended)
        yield from _waits(ended)
    for gate in sorted({_gate(visit) for visit in ended}):
        own = [visit for visit in ended if _gate(visit) == gate]
        yield from (number._replace(asset=gate) for number in _visits(own))
    yield from _passages(visits, window)


def _end(visit: Visit) -> int:
    return int(visit["left_at"] or visit["last_at"])


def _gate(visit: Visit) -> str:
    return str(visit["gate_out"] or visit["gate_in"])


def _visits(ended: Sequence[Visit]) -> Iterator[Number]:
    yield from mean("truck_turn_time", (_minutes(visit["turn_time_s"]) for visit in ended))
    yield from mean("truck_turn_time_total", (_minutes(visit["total_turn_time_s"]) for visit in ended))
    yield from mean("procedure_time", map(_procedure_min, ended))
    yield from mean("touch_points", (visit["touch_points"] for visit in ended))
    yield from mean("manual_touch_points", (visit["manual_touch_points"] for visit in ended))
    yield share("no_touch_rate", sum(visit["manual_touch_points"] == 0 for visit in ended), len(ended))
    reads = sum(visit["container_reads"] for visit in ended)
    failures = sum(visit["check_digit_failures"] for visit in ended)
    yield share("check_digit_pass_rate", reads - failures, reads)
    yield _answers("ocr_first_pass_rate", ended, "ocr_first_pass")
    yield _answers("appointment_compliance", ended, "appointment_ok")
    yield share("exception_share", sum(visit["exceptions"] > 0 for visit in ended), len(ended))


def _answers(kpi: str, ended: Sequence[Visit], name: str) -> Number:
    """How many of those that have an answer say yes."""
    known = [visit[name] for visit in ended if visit[name] is not None]
    return share(kpi, sum(known), len(known))


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / _MINUTE_S


def _procedure_min(visit: Visit) -> float | None:
    """From the first step to the last, less the time inside."""
    if visit["outcome"] != "complete":
        return None
    told_s: float = (visit["last_at"] - visit["first_at"]) / 1000
    return (told_s - (visit["inside_s"] or 0)) / _MINUTE_S


def _reasons(ended: Sequence[Visit]) -> Iterator[Number]:
    reasons: Counter[str] = Counter()
    for visit in ended:
        reasons.update(visit["exception_reasons"])
    for reason, count in reasons.items():
        yield share("exceptions_by_reason", count, reasons.total())._replace(part=reason)


def _waits(ended: Sequence[Visit]) -> Iterator[Number]:
    waited: Counter[str] = Counter()
    for visit in ended:
        waited.update(visit["wait_s_by_actor"])
    for actor, seconds in waited.items():
        yield ratio("gate_wait", seconds / _MINUTE_S, len(ended), len(ended))._replace(part=actor)


def _passages(visits: Sequence[Visit], window: Window) -> Iterator[Number]:
    every = [
        passage
        for visit in visits
        for passage in (
            Passage(visit["entered_at"], (visit["gate_in"], visit["lane_in"]), visit["transaction_s"]),
            Passage(visit["left_at"], (visit["gate_out"], visit["lane_out"]), visit["transaction_out_s"]),
        )
        if window.holds(passage.at_ms)
    ]
    lanes = sorted({passage.lane for passage in every})
    for gate, lane in lanes:
        own = [passage for passage in every if passage.lane == (gate, lane)]
        yield from (number._replace(asset=gate, lane=lane) for number in _through(own, window.hours))
    if every:
        yield from _through(every, window.hours * len(lanes))


def _through(passages: Sequence[Passage], lane_h: float) -> Iterator[Number]:
    quarters = Counter(int(passage.at_ms or 0) // _QUARTER_MS for passage in passages)
    peak = max(quarters.values())
    yield Number("peak_quarter_hour", peak, None, len(passages), peak)
    yield ratio("lane_throughput", len(passages), lane_h, len(passages))
    yield from mean("gate_transaction_time", (passage.transaction_s for passage in passages))
