"""A quay crane that works like clockwork: every lift begins, locks and unlocks at a whole second known beforehand.

Samples are taken on whole ticks from the start on and have no noise, so that each edge shows in the moment it happens
(with a whole number of samples a second).
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Final

from connectors.simulator.carry import Carry, Spot, carry
from connectors.simulator.cranes import Crane
from connectors.simulator.facts import Fact
from connectors.simulator.gateways import Place
from connectors.simulator.kpis.crane import Diary
from connectors.simulator.lift import LiftTimes, Order, enter_switches, tell_job
from connectors.simulator.machine import Machine, Meters, Power, Spreader
from connectors.simulator.motion import Axis
from connectors.simulator.sts import MANNER
from connectors.simulator.world import World, event_type
from schemas.reference import Asset

_SAMPLE: Final = event_type("crane.sample")
_SPREADER_T: Final = 12.0
_POWER: Final = Power(idle_kw=45.0, trolley_kw=22.0, gantry_kw=160.0)
_WIND_MPS: Final = 4.0
_UNLADEN_SHARE: Final = 0.45
_SETTLES_S: Final = 4
_NEAR_S: Final = 4.0  # samples this near to a moment of a lift show it
_COUNTERS: Final = ("moves_total", "energy_total_kwh")


class ClockworkCrane(Crane):
    """`lift` plans one lift; `samples` reads the instruments tick by tick."""

    def __init__(self, world: World, place: Place, asset: Asset) -> None:
        machine = Machine(
            _POWER,
            hoist=Axis(24.0),
            trolley=Axis(0.0),
            gantry=Axis(60.0 + 85.0 * int(asset.asset_id[-2:])),
            spreader=Spreader(),
            meters=Meters(400_000.0, 90_000),
        )
        super().__init__(world, place, asset, machine, _SPREADER_T)
        self.resets_s: float | None = None
        self._before: dict[str, float] = {}
        self.diary = Diary(asset.asset_id, asset.type)
        self._watched = {0.0}
        self._moments: list[float] = [0.0]

    def lift(self, began_s: int, unlocked_s: int, order: Order) -> tuple[LiftTimes, str]:
        """Enter one lift between two whole seconds, and tell its job; its times and the job's id."""
        self._watched.add(float(unlocked_s))
        locked_s = began_s + round((unlocked_s - began_s) * _UNLADEN_SHARE)
        settled_s, lifted_s = locked_s - _SETTLES_S, locked_s + _SETTLES_S
        times = LiftTimes(began_s, settled_s, locked_s, lifted_s, unlocked_s - _SETTLES_S, unlocked_s)
        self._moments += times
        self.status(began_s, "working")
        free_s = self.lift_off(began_s)
        self.machine.switch(free_s, **order.spreader)
        here = Spot(self.machine.trolley.target_m, self.machine.hoist.target_m)
        self._carry(carry(here, order.pick, MANNER.clearance_m, MANNER.empty), free_s, times.landed)
        self._carry(carry(order.pick, order.drop, MANNER.clearance_m, MANNER.laden), times.lifted, times.set_down)
        enter_switches(self, times, order)
        self.sits = True
        return times, tell_job(self, times, order, None)

    def samples(self, program: Iterator[float], step_s: float) -> Iterator[Fact]:
        tick = 0
        for planned_s in program:
            while tick * step_s < planned_s:
                at_s = tick * step_s
                reading = self.machine.reading(at_s)
                self.dress(reading, at_s)
                if round(at_s, 6) in self._watched:
                    self.diary.meter[self.world.after(at_s)] = reading["energy_total_kwh"]
                yield Fact(self.world.after(at_s), self.gateway, _SAMPLE, self.subject, reading, self._is_between(at_s))
                tick += 1

    def _is_between(self, at_s: float) -> bool:
        """Whether nothing begins or ends near this moment: a sample shows nothing then that its neighbours do not."""
        place = bisect_left(self._moments, at_s)
        return all(abs(at_s - moment) > _NEAR_S for moment in self._moments[max(place - 1, 0) : place + 1])

    def tell(self, at_s: float, what: str, data: dict[str, Any]) -> None:
        """Also into the diary, as far as the run goes."""
        super().tell(at_s, what, data)
        if (at_ms := self.world.after(at_s)) < self.world.end_ms:
            self.diary.told.append((at_ms, what, data))

    def dress(self, reading: dict[str, Any], at_s: float) -> None:
        reading["wind_mps"] = _WIND_MPS
        if self.resets_s is not None and at_s > self.resets_s:
            for name in _COUNTERS:
                reading[name] = round(reading[name] - self._before.setdefault(name, reading[name]), 3)

    def _carry(self, way: Carry, from_s: float, arrived_s: float) -> None:
        """Hover so long before the descent that the spreader arrives to the second."""
        hover_s = arrived_s - from_s - way.down_at_s - way.down.duration_s
        way.enter(from_s, hover_s, self.machine.hoist, self.machine.trolley)
