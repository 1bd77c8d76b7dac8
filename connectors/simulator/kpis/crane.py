"""Cranes: what each lifted, and what it was from when to when, by what it told."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.simulator.kpis.number import Number, mean, percentile, ratio, share
from connectors.simulator.kpis.window import Stretch, Window, union, without

FOREVER_MS: Final = 1 << 62
_PAIRS: Final = {"allocated": "released", "logged_on": "logged_off", "delay_start": "delay_end"}
# The first that claims a stretch of delay has it.
_CAUSES: Final = {
    "WEA": (1, "weather"),
    "FOR": (1, "weather"),
    "BRK": (2, "breakdown"),
    "MEA": (3, "planned_break"),
    "PLA": (3, "planned_break"),
    "CAR": (4, "carrier_not_ready"),
    "TRK": (5, "no_transport"),
}
_OTHER: Final = (9, "other")


@dataclass(frozen=True, slots=True)
class Lift:
    """One lift since the end of the one before, or since the crane was first seen.

    `is_timed` is False where one of the two moments leaves no signal. `shares` names lifts whose energies nobody can
    tell apart.
    """

    since_ms: int
    ended_ms: int
    boxes: int
    is_cover: bool
    is_timed: bool
    call_id: str | None = None
    shares: int | None = None

    @property
    def cycle_s(self) -> float | None:
        return (self.ended_ms - self.since_ms) / 1000 if self.is_timed and not self.is_cover else None


@dataclass(slots=True)
class Diary:
    """What a crane did and told: lifts; (ms, what, data) of statuses, assignments, jobs and faults, in order of time.

    `meter` is its energy meter (kWh, epoch ms) when it was first seen and at the end of each lift.
    """

    crane: str
    kind: str
    lifts: list[Lift] = field(default_factory=list)
    told: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    meter: dict[int, float] = field(default_factory=dict)

    def energy_kwh(self, lift: Lift) -> float | None:
        """A meter that fell began again at 0 when the lift began. None where it was not read at those moments."""
        if not {lift.since_ms, lift.ended_ms} <= self.meter.keys():
            return None
        before, after = self.meter[lift.since_ms], self.meter[lift.ended_ms]
        return after - before if after >= before else after

    def on(self) -> list[Stretch]:
        return self._status("working", "idle", "standby", "on")

    def working(self) -> list[Stretch]:
        return self._status("working")

    def down(self) -> list[Stretch]:
        """Stopped by a fault."""
        faults = [(at, data) for at, what, data in self.told if what == "fault" and data.get("stops_work")]
        codes = {data["code"] for _, data in faults}
        return [
            stretch
            for code in codes
            for stretch in _paired([(at, data["active"]) for at, data in faults if data["code"] == code])
        ]

    def jobs(self) -> list[Stretch]:
        """From dispatched to delivered, of jobs that have both."""
        began = {data["job_id"]: at for at, what, data in self.told if what == "job" and data["step"] == "dispatched"}
        ended = {data["job_id"]: at for at, what, data in self.told if what == "job" and data["step"] == "delivered"}
        return [(began[job], ended[job]) for job in began.keys() & ended.keys()]

    def assigned(self, state: str, thing: str | None = None) -> list[Stretch]:
        """Allocated, logged on or delayed (`delay_start`), to one call or by one code only where `thing` says which."""
        found: dict[str, list[tuple[int, bool]]] = {}
        for at, what, data in self.told:
            if what == "assignment" and data["state"] in (state, _PAIRS[state]):
                name = data.get("delay_code", "") if state == "delay_start" else data["call_id"]
                found.setdefault(name, []).append((at, data["state"] == state))
        return [stretch for name in found if thing in (None, name) for stretch in _paired(found[name])]

    def delays(self) -> list[tuple[str, list[Stretch]]]:
        """By cause, each moment once."""
        codes = {data.get("delay_code", "") for _, _, data in self.told if data.get("state") == "delay_start"}
        ranked = sorted((_CAUSES.get(code, _OTHER), code) for code in codes)
        causes: dict[tuple[int, str], list[Stretch]] = {}
        for cause, code in ranked:
            causes.setdefault(cause, []).extend(self.assigned("delay_start", code))
        taken: list[Stretch] = []
        found = []
        for (_, name), stretches in causes.items():
            found.append((name, without(stretches, taken)))
            taken += stretches
        return found

    def _status(self, *statuses: str) -> list[Stretch]:
        said = [(at, data["status"]) for at, what, data in self.told if what == "status"]
        ends = [at for at, _ in said[1:]] + [FOREVER_MS]
        return [(at, end) for (at, status), end in zip(said, ends, strict=True) if status in statuses]


def crane_numbers(diaries: Sequence[Diary], window: Window) -> Iterator[Number]:
    """Of each crane, and of all cranes of a kind."""
    for diary in diaries:
        yield from (number._replace(asset=diary.crane) for number in _numbers([diary], window))
        yield from (number._replace(asset=diary.crane) for number in _delays([diary], window))
    for kind in sorted({diary.kind for diary in diaries}):
        yield from _numbers([diary for diary in diaries if diary.kind == kind], window)
    yield from _delays(diaries, window)


def _numbers(diaries: Sequence[Diary], window: Window) -> Iterator[Number]:
    ended = [lift for diary in diaries for lift in diary.lifts if window.holds(lift.ended_ms)]
    cycles = [lift for lift in ended if not lift.is_cover]
    dispatched = [[job for job in diary.jobs() if window.touches(job)] for diary in diaries]
    energies = [
        diary.energy_kwh(lift)
        for diary in diaries
        for lift in diary.lifts
        if window.holds(lift.ended_ms) and not lift.is_cover
    ]
    found = [
        *_productivity(diaries, window, cycles, len(ended)),
        *_cycles(cycles),
        *mean("energy_per_move", (0.0 if energy is None else energy for energy in energies)),
        *_states(diaries, window, cycles),
        *_tnot(diaries, dispatched, window),
    ]
    if cycles:
        boxes = sum(lift.boxes for lift in cycles)
        found.append(Number("quay_throughput", boxes, None, len(cycles), boxes))
    unknown = {"energy_per_move"} if None in energies or _is_parted(diaries, window) else set()
    kind = diaries[0].kind
    yield from (number._replace(part=kind, is_known=number.kpi not in unknown) for number in found)


def _productivity(diaries: Sequence[Diary], window: Window, cycles: Sequence[Lift], jobs: int) -> Iterator[Number]:
    """Each lift has one job, which was delivered as it ended and knows its boxes."""
    boxes = sum(lift.boxes for lift in cycles)
    logged_on = _hours(window, (diary.assigned("logged_on") for diary in diaries))
    allocated = _hours(window, (diary.assigned("allocated") for diary in diaries))
    available = _hours(window, (without(d.assigned("logged_on"), d.assigned("delay_start")) for d in diaries))
    net = _hours(window, (without(d.assigned("allocated"), d.assigned("delay_start")) for d in diaries))
    yield ratio("gross_productivity_tic40", boxes, logged_on, jobs)
    yield ratio("net_productivity_tic40", boxes, available, jobs)
    yield ratio("gross_crane_rate", boxes, allocated, len(cycles))
    yield ratio("net_crane_rate", boxes, net, len(cycles))
    yield share("confirmation_gap", 0, boxes, len(cycles))


def _cycles(cycles: Sequence[Lift]) -> Iterator[Number]:
    yield ratio("boxes_per_cycle", sum(lift.boxes for lift in cycles), len(cycles), len(cycles))
    yield from mean("cycle_time_mean", (lift.cycle_s for lift in cycles))
    yield from percentile("cycle_time_p50", (lift.cycle_s for lift in cycles), 0.5)
    yield from percentile("cycle_time_p90", (lift.cycle_s for lift in cycles), 0.9)


def _states(diaries: Sequence[Diary], window: Window, cycles: Sequence[Lift]) -> Iterator[Number]:
    on = _hours(window, (diary.on() for diary in diaries))
    working = _hours(window, (diary.working() for diary in diaries))
    up = _hours(window, (without(diary.on(), diary.down()) for diary in diaries))
    down = [stretch for diary in diaries for stretch in union(diary.down())]
    down_h = _hours(window, (diary.down() for diary in diaries))
    failures = sum(window.start_ms <= since < window.seen_ms for since, _ in down)
    repaired = [(since, until) for since, until in down if window.start_ms <= until < window.seen_ms]
    repair_h = sum(until - since for since, until in repaired) / 3_600_000
    yield share("utilisation", working, on)
    yield ratio("mtbf", up, failures, failures)
    yield ratio("mttr", repair_h, len(repaired), len(repaired))
    yield share("availability", up, up + down_h)
    yield ratio("mmbf", len(cycles), failures, failures)


def _tnot(diaries: Sequence[Diary], dispatched: Sequence[Sequence[Stretch]], window: Window) -> Iterator[Number]:
    """Hours in which each crane was both working and dispatched."""
    if any(dispatched):
        both = (_both(diary.working(), jobs) for diary, jobs in zip(diaries, dispatched, strict=True))
        hours = _hours(window, both)
        yield Number("tnot", hours, None, sum(map(len, dispatched)), hours)


def _delays(diaries: Sequence[Diary], window: Window) -> Iterator[Number]:
    lost: dict[str, list[float]] = {}
    for diary in diaries:
        allocated = diary.assigned("allocated")
        for cause, stretches in diary.delays():
            hours = window.hours_of(_both(stretches, allocated))
            if hours:
                lost.setdefault(cause, []).append(hours)
    for cause, of_each in lost.items():
        yield Number("delay_time", sum(of_each), None, len(of_each), sum(of_each), part=cause)


def _both(one: Sequence[Stretch], other: Sequence[Stretch]) -> list[Stretch]:
    return without(one, without([(0, FOREVER_MS)], union(other)))


def _paired(said: Sequence[tuple[int, bool]]) -> Iterator[Stretch]:
    """From each beginning to the next end, or for ever."""
    for number, (at, begins) in enumerate(said):
        if begins:
            yield at, next((later for later, again in said[number + 1 :] if not again), FOREVER_MS)


def _hours(window: Window, of_each: Iterable[Iterable[Stretch]]) -> float:
    return sum(window.hours_of(stretches) for stretches in of_each)


def _is_parted(diaries: Sequence[Diary], window: Window) -> bool:
    """Whether of lifts that share their energy some end in this period and some in another."""
    sharing: dict[tuple[str, int], set[bool]] = {}
    for diary in diaries:
        for lift in diary.lifts:
            if lift.shares is not None:
                sharing.setdefault((diary.crane, lift.shares), set()).add(window.holds(lift.ended_ms))
    return any(len(answers) > 1 for answers in sharing.values())
