"""Which lift a quay crane does next for a ship, and what follows from it for the boxes."""

from random import Random
from typing import Final

from connectors.simulator.boxes import Box
from connectors.simulator.carry import Spot
from connectors.simulator.cranes import Crane
from connectors.simulator.lift import LiftTimes, Order
from connectors.simulator.vessels import Berth, Call
from connectors.simulator.yard import Yard

_HATCH_EVERY: Final = 40
_TWIN_SHARE: Final = 0.25
_RESTOW_SHARE: Final = 0.02
_TWIN_MAX_T: Final = 24.0
_HATCH: Final = Order("hatch", (), 26.0, Spot(30.0, 13.0), Spot(-16.0, 1.2))
_LANES_M: Final = (-4.0, -8.5, -13.0)
_ON_TRUCK_M: Final = 4.1


class BerthWork:
    """Orders of one berth's cranes; boxes go to the yard and come from it."""

    def __init__(self, berth: Berth, yard: Yard) -> None:
        self.berth = berth
        self._yard = yard

    def order(self, crane: Crane, call: Call) -> Order:
        """The next lift of a crane at the ship of `call`."""
        dice, call_id = crane.dice, call.call_id
        if crane.jobs % _HATCH_EVERY == _HATCH_EVERY - 1:
            return Order(_HATCH.kind, (), _HATCH.cargo_t, _HATCH.pick, _HATCH.drop, call_id)
        if dice.random() < _RESTOW_SHARE:
            boxes = self._from_ship(crane)
            return Order("restow", boxes, _weight_t(boxes), _in_ship(dice, 8, 30), _in_ship(dice, 36, 58), call_id)
        if call.discharges:
            boxes = self._from_ship(crane)
            return Order("discharge", boxes, _weight_t(boxes), _in_ship(dice), _on_truck(dice), call_id)
        boxes = self._for_ship(crane, call)
        return Order("load", boxes, _weight_t(boxes), _on_truck(dice), _in_ship(dice), call_id)

    def done(self, crane: Crane, call: Call, order: Order, times: LiftTimes) -> None:
        """Tell the berth, and tell of each box; what came ashore goes to the yard."""
        world = crane.world
        self.berth.lifted(call, world.after(times.locked), world.after(times.unlocked))
        milestone = {"discharge": "discharged", "load": "loaded", "restow": "restowed"}.get(order.kind or "")
        for box in order.boxes if milestone else ():
            told_ms = world.after(times.unlocked + crane.dice.uniform(4, 25))
            world.post_cargo(crane.place, told_ms, box.milestone(str(milestone), call_id=call.call_id))
            if milestone == "discharged":
                self._yard.discharged(box, told_ms)

    def _from_ship(self, crane: Crane) -> tuple[Box, ...]:
        boxes = crane.world.boxes
        if crane.dice.random() < _TWIN_SHARE:
            return _twin(boxes.new(crane.dice, 20), boxes.new(crane.dice, 20))
        return (boxes.new(crane.dice),)

    def _for_ship(self, crane: Crane, call: Call) -> tuple[Box, ...]:
        """Boxes that trucks brought, as far as there are any; else boxes from earlier days."""
        waiting = self._yard.exports.take(max(call.ready_ms, call.last_unlock_ms))
        return self._from_ship(crane) if waiting is None else (waiting,)


def _twin(one: Box, other: Box) -> tuple[Box, ...]:
    """Both, unless they are too heavy for one lift."""
    return (one, other) if max(one.gross_t, other.gross_t) <= _TWIN_MAX_T else (one,)


def _weight_t(boxes: tuple[Box, ...]) -> float:
    return sum(box.gross_t for box in boxes)


def _in_ship(dice: Random, nearest_m: float = 8, farthest_m: float = 58) -> Spot:
    return Spot(round(dice.uniform(nearest_m, farthest_m), 2), round(dice.uniform(-6, 20), 2))


def _on_truck(dice: Random) -> Spot:
    return Spot(dice.choice(_LANES_M), _ON_TRUCK_M)
