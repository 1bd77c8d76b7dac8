"""Yard cranes: stack what came from the quay, serve trucks, and turn over stacks; 12 to 18 moves an hour."""

from collections.abc import Iterator
from typing import Final

from connectors.simulator.carry import Drive, Spot
from connectors.simulator.cranes import Crane
from connectors.simulator.gateways import Place
from connectors.simulator.lift import Manner, Order, perform, record
from connectors.simulator.machine import Machine, Meters, Power, Spreader
from connectors.simulator.motion import Axis, Pace, Travel
from connectors.simulator.troubles import maybe_stop, maybe_warn
from connectors.simulator.world import World
from connectors.simulator.yard import Yard
from schemas.reference import Asset

REACH_M: Final = (0.0, 23.0)
LIFT_M: Final = (0.0, 18.0)
MANNER: Final = Manner(
    empty=Drive(Pace(1.0, 0.4), Pace(1.1, 0.35)),
    laden=Drive(Pace(0.5, 0.25), Pace(1.1, 0.3)),
    clearance_m=1.2,
    cycle_median_s=205.0,
    cycle_sigma=0.24,
    cycle_range_s=(110.0, 560.0),
    dwell_s=(4.4, 8.0),
)
_BEGINS_S: Final = 1.5
_POWER: Final = Power(idle_kw=14.0, trolley_kw=8.0, gantry_kw=45.0)
_SPREADER_T: Final = 9.5
_GANTRY: Final = Pace(2.0, 0.25)
_BAY_M: Final = 6.5
_BAYS: Final = 24
_LANE: Final = Spot(1.6, 4.1)
_ROWS: Final = 6
_ROW_M: Final = 2.9
_TIERS: Final = 4
_BOX_M: Final = 2.7
_SHIFT_SHARE: Final = 0.25
_GANTRY_SHARE: Final = 0.45
_REST_SHARE: Final = 0.08


class YardCrane(Crane):
    """An RTG crane over one block."""

    def __init__(self, world: World, place: Place, asset: Asset, yard: Yard) -> None:
        dice = world.dice(f"meters/{asset.asset_id}")
        machine = Machine(
            _POWER,
            hoist=Axis(15.0),
            trolley=Axis(4.0),
            gantry=Axis(_BAY_M * dice.randrange(_BAYS)),
            spreader=Spreader(),
            meters=Meters(round(dice.uniform(5e4, 3e5), 3), dice.randrange(20_000, 200_000)),
        )
        super().__init__(world, place, asset, machine, _SPREADER_T)
        self._yard = yard

    def program(self) -> Iterator[float]:
        """Plan lift after lift, for ever; yields the second until which everything is planned."""
        self.status(0.0, "on")
        at_s, stopped_s = _BEGINS_S, 0.0
        unlocked_s: float | None = None
        while True:
            ready_s = self._next_bay(self._pause(at_s))
            order, stacks = self._order(ready_s)
            times = perform(self, ready_s, order, MANNER)
            if stacks:
                self._yard.stacked(order.boxes[0], self.world.after(times.unlocked + 2))
            maybe_warn(self, times.began, times.unlocked)
            record(self, unlocked_s, stopped_s + ready_s - at_s, times, order)
            yield times.unlocked
            unlocked_s = times.unlocked
            at_s = maybe_stop(self, unlocked_s)
            stopped_s = at_s - unlocked_s
            yield at_s

    def _order(self, at_s: float) -> tuple[Order, bool]:
        """The next lift, and whether it stacks a box that came from the ship."""
        dice = self.dice
        waiting = self._yard.incoming.take(self.world.after(at_s))
        if waiting is not None:
            return Order(None, (waiting,), waiting.gross_t, _LANE, self._slot()), True
        box = self.world.boxes.new(dice)
        slot = self._slot()
        if dice.random() < _SHIFT_SHARE:
            return Order("shift", (box,), box.gross_t, slot, self._slot(other_than=slot)), False
        ends = (_LANE, slot) if dice.getrandbits(1) else (slot, _LANE)
        return Order(None, (box,), box.gross_t, *ends), False

    def _slot(self, other_than: Spot | None = None) -> Spot:
        """The top of a stack, in another row than `other_than`."""
        rows = [_LANE.trolley_m + _ROW_M * (row + 1) for row in range(_ROWS)]
        free = [m for m in rows if other_than is None or m != other_than.trolley_m]
        return Spot(round(self.dice.choice(free), 2), _BOX_M * self.dice.randint(1, _TIERS))

    def _pause(self, at_s: float) -> float:
        if self.dice.random() >= _REST_SHARE:
            return at_s
        return self.rest(at_s, self.dice.uniform(60, 240), "no_job")

    def _next_bay(self, at_s: float) -> float:
        """Often the next box is in another bay; the second at which the crane stands there."""
        if self.dice.random() >= _GANTRY_SHARE:
            return at_s
        bay = min(max(round(self.machine.gantry.target_m / _BAY_M) + self.dice.randint(-4, 4), 0), _BAYS)
        self.status(at_s, "working")
        free_s = self.lift_off(at_s)
        hoist, gantry = self.machine.hoist, self.machine.gantry
        up_s = hoist.move(free_s, Travel(hoist.target_m, 15.5, MANNER.empty.hoist))
        return gantry.move(up_s, Travel(gantry.target_m, bay * _BAY_M, _GANTRY))
