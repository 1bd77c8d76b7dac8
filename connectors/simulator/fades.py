"""Radio fades that are known beforehand: a schedule of them, and a modem that hears them."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal, NamedTuple

from connectors.simulator.gateways import Place
from connectors.simulator.radio import WEAK, Device
from connectors.simulator.world import World
from schemas.reference import Asset

Kind = Literal["mild", "slowing", "stopping"]
KINDS: Final[tuple[Kind, ...]] = ("mild", "slowing", "stopping")
# How deep, what the way back and forth takes longer, and what share of messages is lost. A mild one stays inside
# what remote control needs (docs/how-to/radio-attribution.md).
_DEPTH_DB: Final = {"mild": (5.0, 9.0), "slowing": (13.0, 18.0), "stopping": (18.0, 25.0)}
_EXTRA_MS: Final = {"mild": (0.0, 2.0), "slowing": (20.0, 45.0), "stopping": (35.0, 120.0)}
_LOSS: Final = {"mild": (1e-5, 5e-5), "slowing": (1e-3, 6e-3), "stopping": (8e-3, 6e-2)}


class Fade(NamedTuple):
    """One fade: from when to when (seconds from the start), and how bad."""

    from_s: float
    until_s: float
    kind: Kind
    depth_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How often fades come and how long they last; `shares` of the kinds, in the order of KINDS."""

    every_s: float
    lasts_s: tuple[float, float]
    shares: tuple[float, float, float]

    def fades(self, dice: Random, from_s: float, until_s: float) -> list[Fade]:
        """Fades that begin at random, none beginning before the last has ended."""
        found: list[Fade] = []
        at_s = from_s + dice.expovariate(1 / self.every_s)
        while at_s < until_s:
            kind = dice.choices(KINDS, self.shares)[0]
            end_s = at_s + dice.uniform(*self.lasts_s)
            found.append(Fade(at_s, end_s, kind, dice.uniform(*_DEPTH_DB[kind])))
            at_s = end_s + dice.expovariate(1 / self.every_s)
        return found


class FadingDevice(Device):
    """A modem whose fades are these, and no others; more may be added ahead of their time."""

    def __init__(self, world: World, place: Place, asset: Asset, fades: Sequence[Fade]) -> None:
        super().__init__(world, place, asset, WEAK)
        self._fades = fades
        self._fade: Fade | None = None

    def _move_fade(self, at_s: float) -> None:
        position = bisect_right(self._fades, at_s, key=lambda fade: fade.from_s) - 1
        fade = self._fades[position] if position >= 0 else None
        self._fade = fade if fade is not None and at_s < fade.until_s else None
        self._fade_db = 0.0 if self._fade is None else self._fade.depth_db

    def _reading(self) -> dict[str, Any]:
        reading = super()._reading()
        if self._fade is None:
            return reading
        extra_ms = self._dice.uniform(*_EXTRA_MS[self._fade.kind])
        loss = self._dice.uniform(*_LOSS[self._fade.kind])
        return reading | {"rtt_ms": round(reading["rtt_ms"] + extra_ms, 2), "loss_ratio": round(loss, 7)}
