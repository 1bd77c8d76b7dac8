"""Quay cranes driven from afar: while the radio is too bad for that they stand or creep, and the truth says what it cost.

Cycles vary by themselves (log-normal pace), and are slow for other reasons too: trucks that are late, wind, twins,
operators who look twice. What is known of each fade is what the cycle would have taken without it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from connectors.simulator.boxes import Box
from connectors.simulator.carry import Drive, Spot
from connectors.simulator.fades import Fade, FadingDevice, Weather
from connectors.simulator.gateways import Place
from connectors.simulator.identities import container_numbers
from connectors.simulator.lift import Order
from connectors.simulator.moments import rfc3339
from connectors.simulator.motion import Pace
from connectors.simulator.scenarios.remote_crane import RemoteCrane
from connectors.simulator.sts import MANNER
from connectors.simulator.world import World

_BEGINS_S: Final = 30.0
_TWIN_SHARE: Final = 0.2
_LATE_TRUCK_SHARE: Final = 0.15
_LATE_TRUCK_S: Final = (20.0, 90.0)
_LOOKS_TWICE_SHARE: Final = 0.06
_LOOKS_TWICE_S: Final = (3.0, 12.0)
_MISLOCK_SHARE: Final = 0.01
_TWIN_TAKES: Final = 1.12
_WINDY_SPEED: Final = 0.7
_WINDY_EVERY_S: Final = 7_200.0
_WINDY_S: Final = (900.0, 2_400.0)
_REST_EVERY: Final = (8, 16)
_REST_S: Final = (180.0, 420.0)
_REST_EDGE_S: Final = 15.0
_LANES_M: Final = (-4.0, -8.5, -13.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """What is played: which cranes, and how the radio fades at all times or only `while` they are idle."""

    cranes: tuple[str, ...]
    fades: Weather | None = None
    idle_only: bool = False

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Hours":
        said = content.get("fades")
        fades = said and Weather(every_s=said["every_s"], lasts_s=tuple(said["lasts_s"]), shares=tuple(said["shares"]))
        return cls(cranes=tuple(content["cranes"]), fades=fades, idle_only=content.get("while") == "idle")


class RemoteQuay:
    """Plays the cranes and their modems at one site."""

    def __init__(self, world: World, place: Place, content: Mapping[str, Any]) -> None:
        self._world = world
        self._place = place
        self._hours = Hours.of(content)
        self._call_id = f"{place.site_id.rpartition('-')[2]}_{world.run.upper()}_1"

    def play(self) -> None:
        """Put the cranes and the modems they carry on the agenda."""
        world, step_s = self._world, 1 / self._world.options.rate_hz
        cranes = {asset.asset_id: asset for asset in self._place.assets("crane", "STS")}
        modems = {asset.carried_by: asset for asset in self._place.assets("device")}
        for name in self._hours.cranes:
            asset = cranes[f"{self._place.site_id}-{name}"]
            fades = self._fades(asset.asset_id)
            self._tell(modems[asset.asset_id].asset_id, fades)
            crane = RemoteCrane(world, self._place, asset, fades)
            shift = _Shift(crane, self._hours, self._call_id, modems[asset.asset_id].asset_id)
            world.agenda.follow(crane.samples(shift.program(), step_s))
            world.agenda.follow(FadingDevice(world, self._place, modems[asset.asset_id], fades).readings(step_s))

    def _fades(self, crane_id: str) -> list[Fade]:
        hours, length_s = self._hours, self._world.options.duration.total_seconds()
        if hours.fades is None or hours.idle_only:
            return []
        return hours.fades.fades(self._world.dice(f"fades/{crane_id}"), _BEGINS_S, length_s)

    def _tell(self, device_id: str, fades: list[Fade]) -> None:
        for fade in fades:
            tell_fade(self._world, device_id, fade)


class _Shift:
    """What one crane does, lift after lift with a rest now and then."""

    def __init__(self, crane: RemoteCrane, hours: Hours, call_id: str, device_id: str) -> None:
        self._crane = crane
        self._hours = hours
        self._call_id = call_id
        self._device_id = device_id
        self._dice = crane.world.dice(f"shift/{crane.subject}")
        self._fade_dice = crane.world.dice(f"idle-fades/{crane.subject}")
        self._numbers = container_numbers(self._dice)
        self._windy = _windy(crane)

    def program(self) -> Iterator[float]:
        """For ever; yields the second until which everything is planned."""
        crane, dice = self._crane, self._dice
        crane.status(0.0, "on")
        for state in ("allocated", "logged_on"):
            crane.tell(_BEGINS_S - 5, "assignment", {"call_id": self._call_id, "state": state})
        until_rest = dice.randint(*_REST_EVERY)
        yield crane.stand(_BEGINS_S, "no_job")
        while True:
            until_rest -= 1
            if until_rest == 0:
                until_rest = dice.randint(*_REST_EVERY)
                yield self._rest()
            yield self._lift()

    def _rest(self) -> float:
        crane, seconds = self._crane, self._dice.uniform(*_REST_S)
        from_s = crane.now_s
        if self._hours.idle_only and self._hours.fades is not None:
            span = (from_s + _REST_EDGE_S, from_s + seconds - _REST_EDGE_S)
            for fade in self._hours.fades.fades(self._fade_dice, *span):
                if fade.until_s < span[1]:
                    crane.fades.append(fade)
                    tell_fade(crane.world, self._device_id, fade)
        return crane.stand(from_s + seconds, "no_job")

    def _lift(self) -> float:
        crane, dice = self._crane, self._dice
        order = self._order()
        takes_s = MANNER.cycle_s(dice) * (_TWIN_TAKES if len(order.boxes) > 1 else 1.0)
        truck_s = dice.uniform(*_LATE_TRUCK_S) if dice.random() < _LATE_TRUCK_SHARE else 0.0
        if order.kind == "load" and truck_s:
            crane.stand(crane.now_s + truck_s, "no_truck")
        looks_s = dice.uniform(*_LOOKS_TWICE_S) if dice.random() < _LOOKS_TWICE_SHARE else 0.0
        windy = any(start <= crane.now_s < end for start, end in self._windy)
        return crane.lift(
            order,
            takes_s=takes_s,
            truck_s=truck_s if order.kind == "discharge" else 0.0,
            looks_s=looks_s,
            mislocks=dice.random() < _MISLOCK_SHARE,
            drives=_drives(_WINDY_SPEED if windy else 1.0),
        )

    def _order(self) -> Order:
        dice = self._dice
        twin = dice.random() < _TWIN_SHARE
        length_ft, code, gross_t = (20, "22G1", 11.0) if twin else (40, "45G1", 14.0)
        boxes = tuple(Box(next(self._numbers), length_ft, code, gross_t, empty=False) for _ in range(1 + twin))
        aboard = Spot(round(dice.uniform(10, 55), 2), round(dice.uniform(-6, 20), 2))
        ashore = Spot(dice.choice(_LANES_M), 4.1)
        kind: Literal["load", "discharge"] = "discharge" if dice.random() < 0.6 else "load"
        ends = (aboard, ashore) if kind == "discharge" else (ashore, aboard)
        return Order(kind, boxes, gross_t * len(boxes), *ends, self._call_id)


def tell_fade(world: World, device_id: str, fade: Fade) -> None:
    """Write a fade down."""
    from_ms, until_ms = world.after(fade.from_s), world.after(fade.until_s)
    said = {"device_id": device_id, "from": rfc3339(from_ms), "until": rfc3339(until_ms), "kind": fade.kind}
    world.chronicle.radio.append((until_ms, "fades", said))


def _windy(crane: RemoteCrane) -> list[tuple[float, float]]:
    """When the wind makes a crane slow, for the whole run."""
    dice, found = crane.world.dice(f"windy/{crane.place.site_id}"), []
    at_s = dice.expovariate(1 / _WINDY_EVERY_S)
    while at_s < crane.world.options.duration.total_seconds():
        found.append((at_s, at_s + dice.uniform(*_WINDY_S)))
        at_s = found[-1][1] + dice.expovariate(1 / _WINDY_EVERY_S)
    return found


def _drives(share: float) -> tuple[Drive, Drive]:
    """The drives, empty and laden, at a share of their speed."""

    def slower(drive: Drive) -> Drive:
        return Drive(*(Pace(pace.speed_mps * share, pace.acceleration_mps2 * share) for pace in drive))

    return slower(MANNER.empty), slower(MANNER.laden)
