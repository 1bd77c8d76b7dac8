"""Quay cranes: discharge and load the ship alongside, hatch covers and restows among it; wind and faults stop them."""

from collections.abc import Generator, Iterator
from typing import Any, Final

from connectors.simulator.berth_work import BerthWork
from connectors.simulator.carry import Drive
from connectors.simulator.cranes import Crane
from connectors.simulator.gateways import Place
from connectors.simulator.lift import LiftTimes, Manner, perform, record
from connectors.simulator.machine import Machine, Meters, Power, Spreader
from connectors.simulator.motion import Axis, Pace, Travel
from connectors.simulator.troubles import maybe_stop, maybe_warn
from connectors.simulator.vessels import Call
from connectors.simulator.wind import RESUME_MPS, STOP_MPS, Wind
from connectors.simulator.world import World
from schemas.reference import Asset

REACH_M: Final = (-18.0, 65.0)
LIFT_M: Final = (-10.0, 45.0)
MANNER: Final = Manner(
    empty=Drive(Pace(2.2, 0.6), Pace(3.6, 0.5)),
    laden=Drive(Pace(1.1, 0.45), Pace(3.2, 0.4)),
    clearance_m=6.0,
    cycle_median_s=132.0,
    cycle_sigma=0.16,
    cycle_range_s=(92.0, 320.0),
    dwell_s=(2.4, 5.5),
)
_BEGINS_S: Final = 1.5
_POWER: Final = Power(idle_kw=45.0, trolley_kw=22.0, gantry_kw=160.0)
_SPREADER_T: Final = 12.0
_GANTRY: Final = Pace(0.75, 0.15)
_BAY_M: Final = 13.0
_BAYS: Final = 5
_CALM_CHECK_S: Final = 60.0


class QuayCrane(Crane):
    """An STS crane; it asks the berth for its next lift and begins its cycle where the last one ended."""

    def __init__(self, world: World, place: Place, asset: Asset, work: BerthWork, wind: Wind) -> None:
        index = int(asset.asset_id[-2:])
        dice = world.dice(f"meters/{asset.asset_id}")
        machine = Machine(
            _POWER,
            hoist=Axis(24.0),
            trolley=Axis(0.0),
            gantry=Axis(60.0 + 85.0 * index),
            spreader=Spreader(),
            meters=Meters(round(dice.uniform(2e5, 9e5), 3), dice.randrange(40_000, 400_000)),
        )
        super().__init__(world, place, asset, machine, _SPREADER_T)
        self._work = work
        self._wind = wind
        self._call: Call | None = None
        self._bay = 0
        self._lifts_until_shift = self.dice.randint(8, 20)
        self._stopped_s = 0.0
        self._unlocked_s: float | None = None

    def program(self) -> Iterator[float]:
        """Plan lift after lift, for ever; yields the second until which everything is planned."""
        self.status(0.0, "on")
        at_s = _BEGINS_S
        while True:
            call = self._work.berth.take(self.world.after(at_s))
            if call is None:
                self._leave(at_s)
                at_s = self._stopped(at_s, self.rest(at_s, 60, "no_call"))
                yield at_s
                continue
            self._join(call, at_s)
            at_s = self._stopped(at_s, (yield from self._wait_for_calm(at_s, call)))
            at_s = self._stopped(at_s, self._next_bay(at_s))
            yield at_s
            at_s = self._lift(at_s, call)
            yield at_s
            at_s = self._stopped(at_s, self._breakdown(at_s, call))
            yield at_s

    def dress(self, reading: dict[str, Any], at_s: float) -> None:
        super().dress(reading, at_s)
        wind_mps = self._wind.at(self.world.after(at_s)) + self.dice.gauss(0, 0.35)
        reading["wind_mps"] = round(max(wind_mps, 0.0), 2)

    def _lift(self, at_s: float, call: Call) -> float:
        order = self._work.order(self, call)
        times = perform(self, at_s, order, MANNER)
        self._work.done(self, call, order, times)
        maybe_warn(self, times.began, times.unlocked)
        record(self, self._unlocked_s, self._stopped_s, times, order)
        return self._ended(times)

    def _ended(self, times: LiftTimes) -> float:
        self._stopped_s = 0.0
        self._unlocked_s = times.unlocked
        return times.unlocked

    def _stopped(self, from_s: float, until_s: float) -> float:
        """Count a stretch that is no work of the cycle it falls into."""
        self._stopped_s += until_s - from_s
        return until_s

    def _join(self, call: Call, at_s: float) -> None:
        if call is not self._call:
            self._leave(at_s)
            self._call = call
            self._assign(at_s, call, "allocated")
            self._assign(at_s + 2, call, "logged_on", operator_ref=f"OP{self.dice.randrange(100, 999)}")

    def _leave(self, at_s: float) -> None:
        if self._call is not None:
            self._assign(at_s, self._call, "logged_off")
            self._assign(at_s + 1, self._call, "released")
            self._call = None

    def _assign(self, at_s: float, call: Call, state: str, **more: str) -> None:
        self.tell(at_s, "assignment", {"call_id": call.call_id, "state": state} | more)

    def _wait_for_calm(self, at_s: float, call: Call) -> Generator[float, None, float]:
        if self._wind.at(self.world.after(at_s)) < STOP_MPS:
            return at_s
        self._assign(at_s, call, "delay_start", delay_code="WEA")
        while self._wind.at(self.world.after(at_s)) > RESUME_MPS:
            at_s = self.rest(at_s, _CALM_CHECK_S, "wind")
            yield at_s
        self._assign(at_s, call, "delay_end", delay_code="WEA")
        return at_s

    def _breakdown(self, at_s: float, call: Call) -> float:
        end_s = maybe_stop(self, at_s)
        if end_s > at_s:
            self._assign(at_s, call, "delay_start", delay_code="BRK")
            self._assign(end_s, call, "delay_end", delay_code="BRK")
        return end_s

    def _next_bay(self, at_s: float) -> float:
        """Every dozen lifts the crane drives to another bay; the second at which it stands there."""
        self._lifts_until_shift -= 1
        if self._lifts_until_shift > 0:
            return at_s
        self._lifts_until_shift = self.dice.randint(8, 20)
        step = 1 if self._bay == 0 or (self._bay < _BAYS and self.dice.getrandbits(1)) else -1
        self._bay += step
        free_s = self.lift_off(at_s)
        hoist, gantry = self.machine.hoist, self.machine.gantry
        up_s = hoist.move(free_s, Travel(hoist.target_m, 30.0, MANNER.empty.hoist))
        return gantry.move(up_s, Travel(gantry.target_m, gantry.target_m + step * _BAY_M, _GANTRY))
