"""The berth of one site and the ships that call at it: one alongside when the run begins, the next on its way."""

from dataclasses import dataclass
from typing import Final

from connectors.simulator.facts import Fact
from connectors.simulator.gateways import Place
from connectors.simulator.identities import imo_number
from connectors.simulator.moments import MINUTE_MS
from connectors.simulator.world import World, event_type

# Minutes before work begins, for the ship that lies alongside at the start.
_ARRIVED: Final = (
    ("pilot_station_arrival", 190),
    ("anchored", 170),
    ("anchor_aweigh", 110),
    ("first_line", 48),
    ("berth_arrival", 45),
    ("all_fast", 31),
    ("gangway_secured", 24),
    ("ready_for_cargo", 6),
)
# Minutes after the last lift.
_DEPARTING: Final = (("ready_to_sail", 22), ("last_line", 34), ("berth_departure", 36), ("sailed", 85))
_TURN_MINUTES: Final = 120  # from the last lift to the first of the next ship: its first line comes after the departure
_DISCHARGED_SHARE: Final = 0.6
_BERTHS: Final = 5


@dataclass(slots=True)
class Call:
    """One ship's stay. `lifts` in all, `taken` of them begun; work may begin at `ready_ms`."""

    call_id: str
    imo: str
    berth: str
    lifts: int
    ready_ms: int
    taken: int = 0
    last_unlock_ms: int = 0

    @property
    def discharges(self) -> bool:
        """Whether the next lift brings a box ashore: first most of the imports, then the exports."""
        return self.taken <= self.lifts * _DISCHARGED_SHARE


class Berth:
    """Hands out lifts to the quay cranes, call after call, and tells the milestones of the ships."""

    def __init__(self, world: World, place: Place) -> None:
        self._world = world
        self._place = place
        self._dice = world.dice(f"berth/{place.site_id}")
        self._calls = 0
        self._call = self._new_call(world.start_ms)
        for milestone, minutes in _ARRIVED:
            self._tell(self._call, world.start_ms - minutes * MINUTE_MS, milestone)
        self._next = self._approaching(world.start_ms)

    def take(self, at_ms: int) -> Call | None:
        """One lift of the ship alongside, or None while there is nothing to do."""
        call = self._call
        if call.taken == call.lifts:
            self._complete(call, at_ms)
            return None
        if at_ms < call.ready_ms:
            return None
        call.taken += 1
        return call

    def lifted(self, call: Call, locked_ms: int, unlocked_ms: int) -> None:
        """A crane's lift of `call`: the first begins cargo operations, the last will end them."""
        if call.last_unlock_ms == 0:
            self._tell(call, locked_ms, "cargo_started")
        call.last_unlock_ms = max(call.last_unlock_ms, unlocked_ms)

    def _complete(self, call: Call, at_ms: int) -> None:
        done_ms = max(call.last_unlock_ms, at_ms)
        self._tell(call, done_ms, "cargo_completed")
        for milestone, minutes in _DEPARTING:
            self._tell(call, done_ms + minutes * MINUTE_MS, milestone)
        self._call = self._next
        self._berth(self._call, done_ms + _TURN_MINUTES * MINUTE_MS)
        self._next = self._approaching(done_ms)

    def _approaching(self, at_ms: int) -> Call:
        """A ship that comes to the anchorage while another works."""
        call = self._new_call(at_ms)
        arrival_ms = at_ms + self._dice.randrange(60_000, 300_000)
        self._tell(call, at_ms + 1_000, "berth_arrival", "PLN")
        self._tell(call, arrival_ms, "pilot_station_arrival")
        self._tell(call, arrival_ms + 4 * MINUTE_MS, "anchored")
        return call

    def _berth(self, call: Call, ready_ms: int) -> None:
        for milestone, minutes in _ARRIVED[2:]:
            self._tell(call, ready_ms - minutes * MINUTE_MS, milestone)
        call.ready_ms = ready_ms

    def _new_call(self, ready_ms: int) -> Call:
        self._calls += 1
        name = self._place.site_id.rpartition("-")[2]
        return Call(
            call_id=f"{name}_{self._world.run.upper()}_{self._calls}",
            imo=imo_number(self._dice),
            berth=f"{name}-{self._dice.randint(1, _BERTHS)}",
            lifts=self._dice.randint(90, 420),
            ready_ms=ready_ms,
        )

    def _tell(self, call: Call, at_ms: int, milestone: str, classifier: str = "ACT") -> None:
        subject = f"{self._place.site_id}-{call.call_id}"
        data = {
            "imo": call.imo,
            "call_id": call.call_id,
            "milestone": milestone,
            "classifier": classifier,
            "berth": call.berth,
        }
        self._world.agenda.post(Fact(at_ms, self._place.office, event_type("vessel.milestone"), subject, data))
