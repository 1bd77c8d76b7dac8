"""A scenario at the quay: one ship, and cranes that lift for it like clockwork; what must be found follows from that.

Only as many lifts are played as the duration has room for. Boxes tell no milestones here: this is about cranes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from connectors.simulator.boxes import Box
from connectors.simulator.carry import Spot
from connectors.simulator.facts import Fact
from connectors.simulator.gateways import Place
from connectors.simulator.identities import container_numbers, imo_number
from connectors.simulator.kpis.crane import Lift
from connectors.simulator.lift import LiftTimes, Order, record
from connectors.simulator.moments import rfc3339
from connectors.simulator.scenarios.clockwork import ClockworkCrane
from connectors.simulator.world import World, event_type
from schemas.errors import ConfigurationError

_BEGINS_S: Final = 300  # the ship is alongside by then
_ENDS_S: Final = 300  # and takes so long to leave
# Seconds from the start, and seconds after the last lift.
_ARRIVING: Final = {
    "pilot_station_arrival": 0,
    "anchored": 30,
    "anchor_aweigh": 45,
    "first_line": 60,
    "berth_arrival": 120,
    "all_fast": 180,
    "cargo_started": _BEGINS_S,
}
_LEAVING: Final = {"cargo_completed": 0, "last_line": 120, "berth_departure": 180, "sailed": 240}
_IN_SHIP: Final = Spot(30.0, 8.0)
_ON_TRUCK: Final = Spot(-8.5, 4.1)
_COVER_T: Final = 26.0
_COVER_FROM: Final = Spot(30.0, 13.0)
_COVER_TO: Final = Spot(-16.0, 1.2)
_TEU: Final = {20: 1.0, 40: 2.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What every crane does: `lifts` one after another, so many `cycles_per_h`.

    `pattern` says what they are, over and over: `box` (of 40 ft), `twin` (two of 20 ft), `cover` (of a hatch).
    `stuck` = the lift at whose end the flag `locked` stays up; `resets` = the lift after which counters begin at 0.
    """

    cranes: tuple[str, ...]
    lifts: int
    cycles_per_h: float
    pattern: tuple[str, ...] = ("box",)
    stuck: int | None = None
    resets: int | None = None

    def ended_s(self, lifts: int) -> int:
        """When so many lifts have ended: whole seconds, rounded one by one, so that the rate stays exact."""
        return _BEGINS_S + round(lifts * 3600 / self.cycles_per_h)

    def lifts_within(self, duration_s: float) -> int:
        """How many lifts there is room for. Raises ConfigurationError where there is not one."""
        room = [n for n in range(1, self.lifts + 1) if self.ended_s(n) + _ENDS_S <= duration_s]
        if not room:
            raise ConfigurationError(
                f"there is no room for a lift: write --duration {self.ended_s(1) + _ENDS_S}s or more"
            )
        return room[-1]


class Quay:
    """Plays the work at one site, and writes down what must be found."""

    def __init__(self, world: World, place: Place, content: Mapping[str, Any]) -> None:
        self._world = world
        self._place = place
        work: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in content.items()}
        self._work = Work(**work)
        self._lifts = self._work.lifts_within(world.options.duration.total_seconds())
        dice = Random(world.run)  # noqa: S311  # nosec B311  (repeatable on purpose)
        self._numbers = container_numbers(dice)
        self._imo = imo_number(dice)
        self._call_id = f"{place.site_id.rpartition('-')[2]}_{world.run.upper()}_1"

    def play(self) -> None:
        """Put ship and cranes on the agenda."""
        self._play_ship()
        step_s = 1 / self._world.options.rate_hz
        declared = {asset.asset_id: asset for asset in self._place.assets("crane", "STS")}
        for name in self._work.cranes:
            crane = ClockworkCrane(self._world, self._place, declared[f"{self._place.site_id}-{name}"])
            self._world.chronicle.diaries.append(crane.diary)
            self._world.agenda.follow(crane.samples(self._program(crane), step_s))

    def _program(self, crane: ClockworkCrane) -> Iterator[float]:
        """Every lift of a crane, then rest."""
        crane.status(0, "on")
        self._assign(crane, _BEGINS_S, "allocated", "logged_on")
        if self._work.resets is not None:
            crane.resets_s = self._work.ended_s(self._work.resets)
        yield from self._lifted(crane)
        end_s = self._work.ended_s(self._lifts)
        self._assign(crane, end_s, "logged_off", "released")
        yield crane.rest(end_s, self._world.options.duration.total_seconds(), "no_call")

    def _lifted(self, crane: ClockworkCrane) -> Iterator[float]:
        """Lift after lift; what must be found of each is written down as it is planned."""
        before: LiftTimes | None = None
        for n in range(1, self._lifts + 1):
            order = self._order(n)
            times, job_id = crane.lift(self._work.ended_s(n - 1), self._work.ended_s(n), order)
            record(crane, None if before is None else before.unlocked, 0.0, times, order)
            row = self._row(crane, before, times, order) | {"job_id": job_id}
            if n == self._work.stuck:
                crane.machine.switch(times.unlocked, locked=True)
                row = _without(row, "ended_at", "laden_s") | {"outcome": "gap"}
            elif n - 1 == self._work.stuck:
                # No signal shows when it locked: its id, which is that moment, and the durations are left open.
                row = _without(row, "cycle_id", "started_at", "locked_at", "unladen_s", "laden_s") | {"outcome": "gap"}
            self._found("port.crane_cycle", times.unlocked, row)
            crane.diary.lifts.append(self._lift(n, before, times, order))
            before = times
            yield times.unlocked

    def _lift(self, n: int, before: LiftTimes | None, times: LiftTimes, order: Order) -> Lift:
        """Nobody sees when the first lift began, nor when the one that stuck ended."""
        is_blurred = self._work.stuck is not None and n - self._work.stuck in (0, 1)
        return Lift(
            since_ms=self._world.after(0.0 if before is None else before.unlocked),
            ended_ms=self._world.after(times.unlocked),
            boxes=len(order.boxes),
            is_cover=order.kind == "hatch",
            is_timed=before is not None and not is_blurred,
            call_id=order.call_id,
            shares=self._work.stuck if is_blurred else None,
        )

    def _assign(self, crane: ClockworkCrane, at_s: float, *states: str) -> None:
        for state in states:
            crane.tell(at_s, "assignment", {"call_id": self._call_id, "state": state})

    def _order(self, n: int) -> Order:
        """The n-th lift (from 1) of a crane."""
        kind = self._work.pattern[(n - 1) % len(self._work.pattern)]
        if kind == "cover":
            return Order("hatch", (), _COVER_T, _COVER_FROM, _COVER_TO, self._call_id)
        length_ft, code, gross_t, count = (20, "22G1", 12.0, 2) if kind == "twin" else (40, "45G1", 14.0, 1)
        boxes = tuple(Box(next(self._numbers), length_ft, code, gross_t, empty=False) for _ in range(count))
        return Order("discharge", boxes, gross_t * count, _IN_SHIP, _ON_TRUCK, self._call_id)

    def _row(self, crane: ClockworkCrane, before: LiftTimes | None, times: LiftTimes, order: Order) -> dict[str, Any]:
        """The cycle of a lift. Where the first one began, nobody can know."""
        known = {} if before is None else {
            "started_at": self._at(before.unlocked),
            "unladen_s": times.locked - before.unlocked,
        }  # fmt: skip
        return {
            "cycle_id": f"{crane.subject}/{self._world.after(times.locked)}",
            "crane_id": crane.subject,
            "site": self._place.site_id,
            **known,
            "locked_at": self._at(times.locked),
            "ended_at": self._at(times.unlocked),
            "laden_s": times.unlocked - times.locked,
            "boxes": len(order.boxes),
            "teu": sum(_TEU[box.length_ft] for box in order.boxes),
            "mode": order.spreader["mode"],
            "call_id": self._call_id,
            "move_kind": order.kind,
        }

    def _play_ship(self) -> None:
        last_s = self._work.ended_s(self._lifts)
        moments = _ARRIVING | {name: last_s + after_s for name, after_s in _LEAVING.items()}
        subject, berth = f"{self._place.site_id}-{self._call_id}", "TANVU-1"
        for milestone, at_s in moments.items():
            data = {
                "imo": self._imo,
                "call_id": self._call_id,
                "milestone": milestone,
                "classifier": "ACT",
                "berth": berth,
            }
            at_ms = self._world.after(at_s)
            self._world.agenda.post(Fact(at_ms, self._place.office, event_type("vessel.milestone"), subject, data))
        row = {
            "call_id": self._call_id,
            "imo": self._imo,
            "site": self._place.site_id,
            "berth": berth,
            "berthed_at": self._at(moments["berth_arrival"]),
            "cargo_started_at": self._at(_BEGINS_S),
            "cargo_completed_at": self._at(last_s),
            "departed_at": self._at(moments["berth_departure"]),
            "wait_s": 90,
            "berth_s": last_s + 180 - 120,
            "cargo_s": last_s - _BEGINS_S,
            "turnaround_s": last_s + 120 - 60,
            "port_s": last_s + 180,
            "outcome": "complete",
        }
        self._found("port.vessel_call", moments["sailed"], row)

    def _found(self, table: str, at_s: float, row: dict[str, Any]) -> None:
        self._world.chronicle.facts.append((self._world.after(at_s), table, row))

    def _at(self, at_s: float) -> str:
        return rfc3339(self._world.after(at_s))


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
