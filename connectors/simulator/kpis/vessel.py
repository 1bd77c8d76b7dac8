"""Ships: calls by when the ship left the berth, berths by when one was there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.simulator.kpis.crane import FOREVER_MS, Diary
from connectors.simulator.kpis.number import Number, mean, ratio, share
from connectors.simulator.kpis.window import Window, without

Call = Mapping[str, Any]
"""A row of `port.vessel_call` as a scenario states it, its times in epoch ms."""
_HOUR_S: Final = 3600
_HOUR_MS: Final = 3_600_000


def vessel_numbers(calls: Sequence[Call], diaries: Sequence[Diary], window: Window) -> Iterator[Number]:
    """Of each berth, and of all."""
    left = [call for call in calls if call["outcome"] in ("complete", "no_arrival") and window.holds(_left(call))]
    if left:
        yield from _calls(left, diaries)
    for berth in sorted({call["berth"] for call in left}):
        own = [call for call in left if call["berth"] == berth]
        yield from (number._replace(part=berth) for number in _calls(own, diaries))
    yield from _berths(calls, window)


def _left(call: Call) -> int | None:
    at_ms = call["last_line_at"] or call["departed_at"] or call["sailed_at"]
    return None if at_ms is None else int(at_ms)


def _calls(left: Sequence[Call], diaries: Sequence[Diary]) -> Iterator[Number]:
    yield from _per_hour("berth_productivity", ((_moves(call, diaries), call["berth_s"]) for call in left))
    yield from _per_hour("crane_time_intensity", ((_crane_hours(call, diaries), call["cargo_s"]) for call in left))
    for kpi, name in (("vessel_turnaround", "turnaround_s"), ("berth_waiting", "wait_s"), ("port_time", "port_s")):
        yield from mean(kpi, (None if call[name] is None else call[name] / _HOUR_S for call in left))


def _per_hour(kpi: str, of_calls: Iterable[tuple[float | None, float]]) -> Iterator[Number]:
    """Amounts ÷ hours, of the calls whose amount is known."""
    known = [(amount, seconds / _HOUR_S) for amount, seconds in of_calls if amount is not None]
    if known:
        yield ratio(kpi, sum(amount for amount, _ in known), sum(hours for _, hours in known), len(known))


def _moves(call: Call, diaries: Sequence[Diary]) -> int | None:
    """Boxes that quay cranes moved for a call; None where no lift is known of it."""
    boxes = [lift.boxes for d in diaries for lift in d.lifts if lift.call_id == call["call_id"] and not lift.is_cover]
    return sum(boxes) if boxes else None


def _crane_hours(call: Call, diaries: Sequence[Diary]) -> float | None:
    """Hours that cranes were allocated to a call until the ship left."""
    until_ms = _left(call) or FOREVER_MS
    spans = [without(d.assigned("allocated", call["call_id"]), [(until_ms, FOREVER_MS)]) for d in diaries]
    stretches = [stretch for span in spans for stretch in span]
    return sum(end - since for since, end in stretches) / _HOUR_MS if stretches else None


def _berths(calls: Sequence[Call], window: Window) -> Iterator[Number]:
    stays: dict[str, list[tuple[int, int]]] = {}
    for call in calls:
        came_ms = call["berthed_at"] or call["first_line_at"]
        went_ms = call["departed_at"] or call["last_line_at"] or call["sailed_at"]
        if came_ms is not None:
            stays.setdefault(call["berth"], []).append((came_ms, went_ms or FOREVER_MS))
    occupied = {berth: window.hours_of(stretches) for berth, stretches in stays.items()}
    for berth, hours in occupied.items():
        yield share("berth_occupancy", hours, window.hours, 1)._replace(part=berth)
    if occupied:
        yield share("berth_occupancy", sum(occupied.values()), window.hours * len(occupied), len(occupied))
