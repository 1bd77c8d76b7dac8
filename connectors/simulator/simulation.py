"""The simulated port: options in, records out, in the order they are sent; and the truth about them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from connectors.simulator.berth_work import BerthWork
from connectors.simulator.cells import Cell
from connectors.simulator.envelope import Envelope, Headers
from connectors.simulator.faults import LATENCY_MS, Faults, restarts
from connectors.simulator.gates import Gate
from connectors.simulator.gateways import Place, places
from connectors.simulator.moments import from_ms
from connectors.simulator.numbering import Numbering
from connectors.simulator.options import SimulationOptions
from connectors.simulator.outbox import Outbox, Sending
from connectors.simulator.radio import Device
from connectors.simulator.rtg import YardCrane
from connectors.simulator.scenarios.stage import place_of, play
from connectors.simulator.sts import QuayCrane
from connectors.simulator.truth import Truth
from connectors.simulator.vehicles import MOVING, Vehicle
from connectors.simulator.vessels import Berth
from connectors.simulator.wind import Wind
from connectors.simulator.world import World
from connectors.simulator.yard import Yard
from schemas.reference.trial import trial_sites


class SimRecord(NamedTuple):
    """A Kafka record and when it is sent (simulated time, aware UTC)."""

    topic: str
    key: bytes
    headers: Headers
    value: bytes | None
    time: datetime


class Simulation:
    """One run. `records` may be iterated once; `truth` is about what has been taken from it so far."""

    def __init__(self, options: SimulationOptions) -> None:
        self._world = World(options)
        self._places = places(options.run, None if options.sites is None else trial_sites(options.sites))
        self._envelope = Envelope(options.run)
        self._faults = Faults(options, self._world.dice("faults"), self._envelope)
        self._truth = Truth(options)
        self._taken_until_ms = self._world.start_ms
        self._play()

    @property
    def run(self) -> str:
        """The name of the run, in every source and in the header `qs-run`."""
        return self._world.run

    def records(self) -> Iterator[SimRecord]:
        """Every record, each counted in the truth as it is handed out."""
        for sending in self._sendings():
            self._truth.observe(sending)
            self._taken_until_ms = sending.send_ms
            yield SimRecord(*sending.record, from_ms(sending.send_ms))
        self._taken_until_ms = self._world.end_ms

    def truth(self) -> dict[str, Any]:
        """What the database must show of the records taken so far."""
        return self._truth.as_json(self._world.chronicle, self._taken_until_ms)

    def _sendings(self) -> Iterator[Sending]:
        world = self._world
        restarts_ms = restarts(world.options, world.dice("restarts"), self._places)
        numbering = Numbering(world.run, world.dice("gateways"), restarts_ms)
        outbox = Outbox()
        for fact in world.agenda:
            for sending in self._faults.send(numbering.letter(fact)):
                outbox.put(sending)
            yield from self._due(outbox, fact.time_ms + LATENCY_MS)
        yield from self._due(outbox, world.end_ms + LATENCY_MS)

    def _due(self, outbox: Outbox, until_ms: int) -> Iterator[Sending]:
        for sending in outbox.due(until_ms):
            yield sending
            for follower in self._faults.follow(sending):
                outbox.put(follower)

    def _play(self) -> None:
        """Put every actor on the agenda, or the scenario alone."""
        if self._world.options.scenario is not None:
            name = self._world.options.scenario
            play(self._world, place_of(self._places, name), name)
            return
        for place in self._places:
            yard = Yard(self._world, place)
            self._play_quay(place, yard)
            self._play_yard(place, yard)
            self._play_network(place)

    def _play_quay(self, place: Place, yard: Yard) -> None:
        world, step_s = self._world, 1 / self._world.options.rate_hz
        cranes = place.assets("crane", "STS")
        if not cranes:
            return
        work = BerthWork(Berth(world, place), yard)
        wind = Wind(world.dice(f"wind/{place.site_id}"), world.start_ms)
        for asset in cranes:
            crane = QuayCrane(world, place, asset, work, wind)
            world.agenda.follow(crane.samples(crane.program(), step_s))

    def _play_yard(self, place: Place, yard: Yard) -> None:
        world, step_s = self._world, 2 / self._world.options.rate_hz
        for asset in place.assets("crane", "RTG"):
            crane = YardCrane(world, place, asset, yard)
            world.agenda.follow(crane.samples(crane.program(), step_s))
        for asset in place.assets("gate"):
            world.agenda.follow(Gate(world, place, asset, yard).arrivals())

    def _play_network(self, place: Place) -> None:
        world, step_s = self._world, 1 / self._world.options.rate_hz
        for asset in place.assets("cell"):
            cell = Cell(world, place, asset)
            for facts in (cell.reports(), cell.heartbeats(), cell.alarms()):
                world.agenda.follow(facts)
        for asset in place.assets("device"):
            device = Device(world, place, asset)
            world.agenda.follow(device.readings(step_s))
        for asset in (asset for kind in MOVING for asset in place.assets("device", kind)):
            world.agenda.follow(Vehicle(world, place, asset).trips())
