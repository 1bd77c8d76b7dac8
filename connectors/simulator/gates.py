"""A gate: trucks arrive by chance, more at the peaks (08 to 10, 15 to 18 local), queue for a lane, and leave again."""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, Literal

from connectors.simulator.boxes import Box
from connectors.simulator.facts import Fact
from connectors.simulator.gateways import Place
from connectors.simulator.identities import truck_plate
from connectors.simulator.moments import HOUR_MS, from_ms
from connectors.simulator.visits import Passage, Trip
from connectors.simulator.world import World, event_type
from connectors.simulator.yard import Yard
from schemas.reference import Asset

_STEP: Final = event_type("gate.step")
_OCR: Final = event_type("gate.ocr")
_PER_LANE_HOUR: Final = 18.0
_PEAKS: Final = ((8, 10), (15, 18))
_PEAK_FACTOR: Final = 2.0
_EXPORT_SHARE: Final = 0.5
_SHORT_SHARE: Final = 0.35
_SHORT_S: Final = (240.0, 540.0)
_TURN_MEDIAN_S: Final = 2400


class Gate:
    """One gate. Lanes are used one truck at a time; trucks inside at the start leave during the run."""

    def __init__(self, world: World, place: Place, asset: Asset, yard: Yard) -> None:
        self._world = world
        self._place = place
        self._asset = asset
        self._yard = yard
        self._dice = world.dice(f"gate/{asset.asset_id}")
        self._gateway = place.gateway_of(asset)
        lanes = asset.lanes or ("IN1", "OUT1")
        self._free_ms = dict.fromkeys(lanes, 0)
        self._trips = 0

    def arrivals(self) -> Iterator[Fact]:
        """Trucks that join the queue; everything that follows is entered into the agenda."""
        self._let_out_those_inside()
        for at_ms in self._arrival_moments():
            trip = self._new_trip(at_ms)
            entry = self._open(trip) | {"queue_entered": at_ms}
            self._world.chronicle.visits.append(entry)
            inward = Passage(trip, self._lane("in"), "in", self._dice)
            yield Fact(at_ms, self._gateway, _STEP, self._asset.asset_id, inward.queued().data)
            left_ms = self._pass(inward, at_ms + self._dice.randrange(4_000, 15_000), entry)
            entry["in_left"] = left_ms
            if trip.carries == "in":
                self._yard.received(trip.box, left_ms)
            ready_ms = left_ms + round(self._turn_s() * 1000)
            self._world.agenda.call(ready_ms, partial(self._leave, trip, ready_ms, entry))

    def _arrival_moments(self) -> Iterator[int]:
        """A Poisson process, thinned to the rate of the hour."""
        inward = sum(lane.startswith("IN") for lane in self._free_ms) or 1
        mean_ms = HOUR_MS / (inward * _PER_LANE_HOUR * _PEAK_FACTOR)
        at_ms = self._world.start_ms
        while at_ms < self._world.end_ms:
            at_ms += max(1, round(self._dice.expovariate(1 / mean_ms)))
            hour = from_ms(at_ms + self._gateway.offset_s * 1000).hour
            peak = any(begin <= hour < end for begin, end in _PEAKS)
            if peak or self._dice.random() < 1 / _PEAK_FACTOR:
                yield at_ms

    def _let_out_those_inside(self) -> None:
        lanes = sum(lane.startswith("IN") for lane in self._free_ms)
        for _ in range(lanes * 4):
            ready_ms = self._world.after(self._dice.uniform(20, 2400))
            trip = self._trip(self._world.boxes.new(self._dice), "in")
            entry = self._open(trip)
            self._world.chronicle.visits.append(entry)
            self._world.agenda.call(ready_ms, partial(self._leave, trip, ready_ms, entry))

    def _open(self, trip: Trip) -> dict[str, Any]:
        return {
            "visit_id": trip.visit_id,
            "gate_id": self._asset.asset_id,
            "carries": trip.carries,
            "queue_entered": None,
            "in_left": None,
            "out_left": None,
            "manual_steps": 0,
        }

    def _new_trip(self, at_ms: int) -> Trip:
        if self._dice.random() < _EXPORT_SHARE:
            return self._trip(self._world.boxes.new(self._dice), "in")
        return self._trip(self._yard.summon(at_ms), "out")

    def _trip(self, box: Box, carries: Literal["in", "out"]) -> Trip:
        self._trips += 1
        name = self._asset.asset_id.removeprefix("VNHPH-")
        return Trip(f"{name}-{self._world.run}-{self._trips:05d}", truck_plate(self._dice), box, carries)

    def _turn_s(self) -> float:
        """Time inside: some drop and go, most wait for a yard crane."""
        if self._dice.random() < _SHORT_SHARE:
            return self._dice.uniform(*_SHORT_S)
        return self._dice.lognormvariate(math.log(_TURN_MEDIAN_S), 0.3)

    def _lane(self, direction: str) -> str:
        """The lane of that direction which is free first."""
        return min(
            (lane for lane in self._free_ms if lane.lower().startswith(direction)), key=self._free_ms.__getitem__
        )

    def _leave(self, trip: Trip, ready_ms: int, entry: dict[str, Any]) -> None:
        """The truck comes to the way out, and is gone when it has passed it."""
        outward = Passage(trip, self._lane("out"), "out", self._dice)
        left_ms = self._pass(outward, ready_ms, entry)
        entry["out_left"] = left_ms
        if trip.carries == "out":
            self._world.post_cargo(self._place, left_ms, trip.box.milestone("gated_out"))

    def _pass(self, passage: Passage, ready_ms: int, entry: dict[str, Any]) -> int:
        """Post all steps of a passage; when the truck has left the gate."""
        at_ms = max(ready_ms, self._free_ms[passage.lane])
        for step in passage.steps():
            at_ms += round(step.after_s * 1000)
            kind = _STEP if step.what == "step" else _OCR
            self._world.agenda.post(Fact(at_ms, self._gateway, kind, self._asset.asset_id, step.data))
            entry["manual_steps"] += at_ms < self._world.end_ms and bool(step.data.get("manual"))
        self._free_ms[passage.lane] = at_ms
        return at_ms
