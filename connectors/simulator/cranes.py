"""What quay and yard cranes have in common: they sample their machine, tell their status, stop for faults, and lift."""

from collections.abc import Iterator
from typing import Any, Final

from connectors.simulator.facts import Fact
from connectors.simulator.gateways import Place
from connectors.simulator.machine import Machine
from connectors.simulator.world import World, event_type
from schemas.reference import Asset

_SAMPLE: Final = event_type("crane.sample")
_LEAVES_AFTER_S: Final = 2.6


class Crane:
    """One crane. Its seconds count from the start of the run.

    `sits` = the spreader will be landed once everything planned is played.
    """

    def __init__(self, world: World, place: Place, asset: Asset, machine: Machine, spreader_t: float) -> None:
        self.world = world
        self.place = place
        self.subject = asset.asset_id
        self.name = asset.asset_id.partition("-")[2]
        self.dice = world.dice(f"crane/{asset.asset_id}")
        self.machine = machine
        self.spreader_t = spreader_t
        self.sits = False
        self.jobs = 0
        self.gateway = place.gateway_of(asset)
        self._status = ""
        machine.switch(0, load_t=spreader_t)

    def samples(self, program: Iterator[float], step_s: float) -> Iterator[Fact]:
        """Play a program (which yields the second until which it has planned) and sample it every `step_s`."""
        tick = 0
        phase_s = self.dice.random() * step_s
        at_s = phase_s
        for planned_s in program:
            while at_s < planned_s:
                reading = self.machine.reading(at_s)
                self.dress(reading, at_s)
                yield Fact(self.world.after(at_s), self.gateway, _SAMPLE, self.subject, reading)
                tick += 1
                at_s = phase_s + tick * step_s

    def dress(self, reading: dict[str, Any], at_s: float) -> None:
        """Add what the instruments cannot help: noise of the load cell."""
        del at_s
        reading["load_t"] = round(reading["load_t"] + self.dice.uniform(-0.06, 0.06), 2)

    def tell(self, at_s: float, what: str, data: dict[str, Any]) -> None:
        """Report a `crane.<what>` event."""
        self.world.agenda.post(
            Fact(self.world.after(at_s), self.gateway, event_type(f"crane.{what}"), self.subject, data)
        )

    def status(self, at_s: float, status: str, reason: str | None = None) -> None:
        """Report the status, when it is another one."""
        if status != self._status:
            self._status = status
            self.tell(at_s, "status", {"status": status} | ({"reason": reason} if reason else {}))

    def lift_off(self, at_s: float) -> float:
        """Leave what the spreader sits on, empty; the second from which it hangs free."""
        if not self.sits:
            return at_s
        self.sits = False
        self.machine.switch(at_s + _LEAVES_AFTER_S, landed=False, load_t=self.spreader_t)
        return at_s + _LEAVES_AFTER_S

    def rest(self, at_s: float, seconds: float, reason: str) -> float:
        """Stand idle for a while; the second at which it is over."""
        free_s = self.lift_off(at_s)
        self.status(free_s, "idle", reason)
        return max(free_s, at_s + seconds)
