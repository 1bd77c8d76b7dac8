"""The cycle machine of a crane: walks a track from edge to edge and yields what was lifted.

States and what leads from one to the next are those of the crane cycle of TIC4.0 (a cycle starts where the one
before ended, unladen first, and ends when the payload is unlocked). Where one sample changes several flags the states
between are walked: landed, then locked or unlocked, then lifted. What a lift counts for is decided in crane_cycle.py.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np

from streams.facts.crane_edges import Edge, edges
from streams.facts.crane_state import CraneState, Phase, Running
from streams.facts.crane_track import Track
from streams.facts.timeline import Timeline

EMPTY_LOAD: Final = "empty_load_t"
WEIGHS_T: Final = 1.0
RISES_M: Final = 0.5
ADJUSTS_M: Final = 1.0
SHOWS_WITHIN_US: Final = 5_000_000
_TELLS_AFTER_US: Final = 2_000_000
_EMPTY_ROWS: Final = 40
_NEVER_SAID: Final = -1

LiftKind = Literal["lift", "invalid", "aborted", "adjustment"]


class Span(NamedTuple):
    """Epoch µs at which a cycle started, locked and ended."""

    started_us: int
    locked_us: int
    ended_us: int


@dataclass(frozen=True, slots=True)
class Lift:
    """Something was locked and let go again. `moved_us` are hoisting, trolleying (or gantry) and lowering within `span`.

    `state` is the crane right at the end, all but its context. An attempt (`aborted`, `adjustment`) starts where it
    locked, because the cycle it lies in goes on.
    """

    kind: LiftKind
    span: Span
    mode: str | None
    length_ft: float | None
    load_t_max: float | None
    energy_kwh: float | None
    moved_us: tuple[int, int, int]
    trouble: frozenset[str]
    state: CraneState


class _Hold(NamedTuple):
    """The row at which the spreader locked; whether that is known, or only that it was locked by then."""

    at: int
    is_known: bool


class Walk:
    """One walk over one track, from `state` on (None: from the beginning). `status` is what the crane said it was."""

    def __init__(self, track: Track, state: CraneState | None, status: Timeline[str | None]) -> None:
        self._track = track
        self._status = status
        self._since = self._unladen_from = self._landed_at = self._next = 0
        self._hold = _Hold(0, is_known=False)
        self._let_go: tuple[LiftKind, frozenset[str]] | None = None
        if state is None:
            self._phase: Phase = "unknown"
            self._landed, self._locked = _NEVER_SAID, _NEVER_SAID
            self._empty_t: float | None = None
            self._running = self._fresh(0, "gap") if len(track.time_us) else Running(0)
        else:
            self._phase = state.phase
            self._landed, self._locked = state.flags
            self._empty_t = state.readings[EMPTY_LOAD]
            self._running = state.running

    def lifts(self) -> Iterator[Lift]:
        """Every lift in the order of its end."""
        track = self._track
        landed, locked = track.said["spreader_landed"], track.said["spreader_locked"]
        found = edges(track.time_us, landed, locked, (self._landed, self._locked))
        nexts = [*(edge.at for edge in found[1:]), len(track.time_us)]
        for edge, self._next in zip(found, nexts, strict=False):
            self._step(edge)
            if self._let_go is not None:
                yield self._lift(edge.at, *self._let_go)
                self._let_go = None

    def _step(self, edge: Edge) -> None:
        if self._phase == "unknown":
            self._begin(edge)
            return
        if edge.landed == 1:
            self._landed = 1
            self._land(edge.at)
        if edge.locked >= 0:
            self._locked = edge.locked
            (self._lock if edge.locked else self._unlock)(edge.at)
        if edge.landed == 0:
            self._landed = 0
            self._leave(edge.at)

    def _begin(self, edge: Edge) -> None:
        """The first flags heard of: what the crane does is known once it says whether it is locked."""
        self._landed = max(edge.landed, self._landed) if edge.landed else 0
        if edge.locked < 0:
            return
        self._locked = edge.locked
        self._hold = _Hold(edge.at, is_known=False)
        if edge.locked:
            self._phase = "set_down" if self._landed == 1 else "laden"
        else:
            self._go_on_empty(edge.at)

    def _land(self, at: int) -> None:
        self._landed_at = at
        if self._phase == "unladen":
            self._weigh_empty(at)
            self._phase = "landed_empty"
        elif self._phase == "laden":
            self._phase = "set_down"

    def _lock(self, at: int) -> None:
        if self._phase == "landed_empty":
            self._grip(at, "locked")
        elif self._phase == "unladen":
            self._grip(at, "laden")
            self._trouble("gap")

    def _leave(self, at: int) -> None:
        if self._phase == "locked" and self._lifts_off(at):
            self._phase = "laden"
        elif self._phase == "set_down":
            if self._leaves_it(at):
                self._release(at, "lift", "gap")
            else:
                self._phase = "laden"
        elif self._phase == "landed_empty":
            self._leave_empty(at)

    def _leave_empty(self, at: int) -> None:
        if self._locked == 1 and self._weighs(at):
            self._grip(self._first_locked(at), "laden")
            self._trouble("gap")
        else:
            self._go_on_empty(at)

    def _unlock(self, at: int) -> None:
        if self._phase == "locked":
            # Landed elsewhere without a weight in between: it was carried, and the load cell is not to be trusted.
            if self._is_elsewhere(at):
                self._release(at, "lift", "gap")
            else:
                self._release(at, "aborted")
        elif self._phase == "set_down":
            self._release(at, "adjustment" if self._is_elsewhere(at) is False else "lift")
        elif self._phase == "laden":
            self._release(at, "invalid")

    def _grip(self, at: int, phase: Phase) -> None:
        self._hold = _Hold(at, is_known=True)
        self._phase = phase

    def _release(self, at: int, kind: LiftKind, *trouble: str) -> None:
        self._let_go = (kind, frozenset(trouble))
        self._go_on_empty(at)

    def _go_on_empty(self, at: int) -> None:
        self._unladen_from = at
        # A spreader that leaves without having unlocked by its flags is still told to be landed here.
        in_air = self._landed != 1
        self._phase = "unladen" if in_air else "landed_empty"
        if not in_air:
            self._landed_at = at

    def _trouble(self, what: str) -> None:
        running = self._running
        self._running = Running(running.started_us, running.moved_us, running.trouble | {what}, running.energy_kwh)

    def _weigh_empty(self, at: int) -> None:
        """What the load cell reads while the empty spreader hangs: the median of its last rows in the air."""
        loads = self._track.numbers["load_t"][max(self._unladen_from, at - _EMPTY_ROWS) : at]
        known = sorted(loads[~np.isnan(loads)].tolist())
        if known:
            self._empty_t = known[len(known) // 2]

    def _lifts_off(self, at: int) -> bool:
        """Whether cargo hangs on the spreader at any time before the next edge."""
        weighs = self._weight(at, self._next)
        if weighs is not None:
            return weighs
        risen = self._track.numbers["hoist_position_m"][at : self._next] - self._position("hoist", self._hold.at)
        return bool(np.any(risen > RISES_M)) if not np.all(np.isnan(risen)) else True

    def _leaves_it(self, at: int) -> bool:
        """Whether a spreader that still says it is locked has left its cargo behind: an unlocked edge is missing."""
        times, end = self._track.time_us, self._shown(at)
        is_told = end < len(times) and times[end] - times[at] >= _TELLS_AFTER_US
        return bool(is_told and self._weight(at, end) is False)

    def _weighs(self, at: int) -> bool:
        return self._weight(at, self._shown(at)) is True

    def _shown(self, at: int) -> int:
        """The row by which a load that was lifted at row `at` has shown, or the next edge."""
        times = self._track.time_us
        return min(int(np.searchsorted(times, times[at] + SHOWS_WITHIN_US)), self._next)

    def _weight(self, start: int, end: int) -> bool | None:
        """Whether more than the empty spreader was weighed in these rows; None where nobody can know."""
        if self._empty_t is None or not self._track.load_said[start:end].any():
            return None
        return bool(self._track.numbers["load_t"][start:end].max() > self._empty_t + WEIGHS_T)

    def _first_locked(self, at: int) -> int:
        """The first report of locked since the spreader landed, or the row at which it left."""
        reports = np.flatnonzero(self._track.said["spreader_locked"][self._landed_at : at] == 1)
        return self._landed_at + int(reports[0]) if reports.size else at

    def _is_elsewhere(self, at: int) -> bool | None:
        """Whether any axis stands more than ADJUSTS_M from where it locked; None where that is not known.

        A gantry that is never told counts as standing still: nobody drives it with cargo.
        """
        if not self._hold.is_known:
            return None
        ways = [abs(self._position(axis, at) - self._position(axis, self._hold.at)) for axis in ("hoist", "trolley")]
        gantry = abs(self._position("gantry", at) - self._position("gantry", self._hold.at))
        if max(*ways, gantry) > ADJUSTS_M or ways[0] > ADJUSTS_M or ways[1] > ADJUSTS_M:
            return True
        return None if any(np.isnan(ways)) else bool(gantry > ADJUSTS_M)

    def _position(self, axis: str, at: int) -> float:
        return float(self._track.numbers[f"{axis}_position_m"][at])

    def _lift(self, at: int, kind: LiftKind, trouble: frozenset[str]) -> Lift:
        """The lift that ends at row `at`; a cycle that ends makes way for the next, an attempt lies within it."""
        hold, track = self._hold.at, self._track
        running = self._running = self._run_on(at)
        is_attempt = kind in ("aborted", "adjustment")
        if is_attempt:
            within = Running(int(track.time_us[hold]), energy_kwh=self._meter(hold))
            running = self._added(within, hold, at)
        else:
            self._running = self._fresh(at)
        load = track.numbers["load_t"][hold : at + 1]
        return Lift(
            kind,
            Span(running.started_us, int(track.time_us[hold]), int(track.time_us[at])),
            track.mode(hold),
            track.number("spreader_length_ft", hold),
            None if np.isnan(load[-1]) else float(np.fmax.reduce(load)),
            self._used_kwh(running, at),
            running.moved_us,
            running.trouble | trouble,
            self._state(at),
        )

    def _state(self, at: int) -> CraneState:
        readings = self._track.readings(at) | {EMPTY_LOAD: self._empty_t}
        flags = (self._landed, self._locked)
        return CraneState(int(self._track.time_us[at]), self._phase, flags, readings, self._running, {})

    def _fresh(self, at: int, *trouble: str) -> Running:
        self._since = at
        return Running(int(self._track.time_us[at]), (0, 0, 0), frozenset(trouble), self._meter(at))

    def _run_on(self, at: int) -> Running:
        since, self._since = self._since, at
        return self._added(self._running, since, at)

    def _added(self, running: Running, start: int, end: int) -> Running:
        """A cycle with rows `start` to `end` added to it."""
        up, across, down = (int(summed[end] - summed[start]) for summed in self._track.moved_us)
        hoisted, trolleyed, lowered = running.moved_us
        trouble = set(running.trouble)
        if bisect_right(self._track.gaps, end) > bisect_right(self._track.gaps, start):
            trouble.add("gap")
        if self._status.holds("off", int(self._track.time_us[start]), int(self._track.time_us[end])):
            trouble.add("suspended")
        moved = (hoisted + up, trolleyed + across, lowered + down)
        energy = self._metered(running.energy_kwh, start, end)
        return Running(running.started_us, moved, frozenset(trouble), energy)

    def _meter(self, at: int) -> tuple[float, float] | None:
        reading = self._track.number("energy_total_kwh", at)
        return None if reading is None else (reading, 0.0)

    def _metered(self, energy: tuple[float, float] | None, start: int, end: int) -> tuple[float, float] | None:
        """A meter that falls was reset: it counts from 0 again, so what is used is never negative."""
        if energy is None:
            return None
        falls, meter = self._track.falls, self._track.numbers["energy_total_kwh"]
        for fall in falls[bisect_right(falls, start) : bisect_right(falls, end)]:
            base, used = energy
            energy = (0.0, used + float(meter[fall - 1]) - base)
        return energy

    def _used_kwh(self, running: Running, at: int) -> float | None:
        if running.energy_kwh is None:
            return None
        base, used = running.energy_kwh
        return round(used + float(self._track.numbers["energy_total_kwh"][at]) - base, 6)
