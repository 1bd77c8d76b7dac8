"""The moving machine: axes, spreader and meters, and what its instruments read at a moment."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from connectors.simulator.motion import Axis

_GRAVITY: Final = 9.81  # kN per t, so that t · g · m/s is kW
_EFFICIENCY: Final = 0.85
_REGENERATED: Final = 0.5


class Power(NamedTuple):
    """What the machine draws standing still, and per m/s of trolley and gantry (kW)."""

    idle_kw: float
    trolley_kw: float
    gantry_kw: float


@dataclass(slots=True)
class Spreader:
    """The gripping frame: `load_t` is the raw load cell, so it includes the frame while it hangs."""

    landed: bool = False
    locked: bool = False
    mode: str = "single"
    length_ft: int = 40
    load_t: float = 0.0


@dataclass(slots=True)
class Meters:
    """What only ever counts up. A move is a lift, hatch covers among them: the machine does not know the difference."""

    energy_kwh: float
    moves: int


@dataclass(slots=True)
class Machine:
    """Axes and switches are entered ahead of time, by second; `reading` then walks through them in order."""

    power: Power
    hoist: Axis
    trolley: Axis
    gantry: Axis
    spreader: Spreader
    meters: Meters
    _switches: deque[tuple[float, dict[str, Any]]] = field(default_factory=deque)
    _read_at_s: float = 0.0

    def switch(self, at_s: float, **spreader: Any) -> None:
        """From `at_s` on the spreader is so; `moves` adds to the meter."""
        self._switches.append((at_s, spreader))

    def reading(self, at_s: float) -> dict[str, Any]:
        """The instruments at `at_s`: data of a crane sample, without wind."""
        self._apply_switches(at_s)
        hoist_m, hoist_mps = self.hoist.reading(at_s)
        trolley_m, trolley_mps = self.trolley.reading(at_s)
        gantry_m, gantry_mps = self.gantry.reading(at_s)
        spreader = self.spreader
        kw = self._power_kw(hoist_mps, trolley_mps, gantry_mps)
        self.meters.energy_kwh += max(kw, 0.0) * (at_s - self._read_at_s) / 3600
        self._read_at_s = at_s
        return {
            "hoist_position_m": round(hoist_m, 2),
            "hoist_speed_mps": round(hoist_mps, 3),
            "trolley_position_m": round(trolley_m, 2),
            "trolley_speed_mps": round(trolley_mps, 3),
            "gantry_position_m": round(gantry_m, 2),
            "gantry_speed_mps": round(gantry_mps, 3),
            "load_t": spreader.load_t,
            "spreader_locked": spreader.locked,
            "spreader_landed": spreader.landed,
            "spreader_mode": spreader.mode,
            "spreader_length_ft": spreader.length_ft,
            "power_kw": round(kw, 1),
            "energy_total_kwh": round(self.meters.energy_kwh, 3),
            "moves_total": self.meters.moves,
        }

    def _apply_switches(self, at_s: float) -> None:
        switches = self._switches
        while switches and switches[0][0] <= at_s:
            _, changes = switches.popleft()
            for name, value in changes.items():
                if name == "moves":
                    self.meters.moves += value
                else:
                    setattr(self.spreader, name, value)

    def _power_kw(self, hoist_mps: float, trolley_mps: float, gantry_mps: float) -> float:
        lifting_kw = self.spreader.load_t * _GRAVITY * hoist_mps
        lifting_kw *= _REGENERATED if hoist_mps < 0 else 1 / _EFFICIENCY
        power = self.power
        return power.idle_kw + lifting_kw + abs(trolley_mps) * power.trolley_kw + abs(gantry_mps) * power.gantry_kw
