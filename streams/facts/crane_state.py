"""What is carried from the end of one lift to the next: the column `state` of `port.crane_cycle`, plain JSON.

Folding on from it, with the rows later than its `time_us`, gives exactly what folding from the beginning gives.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

VERSION: Final = 1

Phase = Literal["unknown", "unladen", "landed_empty", "locked", "laden", "set_down"]


@dataclass(frozen=True, slots=True)
class Running:
    """The cycle that is going on, up to the state's time.

    `moved_us` are hoisting, trolleying and lowering; `trouble` what is to be said of it (`gap`, `suspended`);
    `energy_kwh` is (reading that counting goes on from, sum of what was counted before), None without a meter.
    """

    started_us: int
    moved_us: tuple[int, int, int] = (0, 0, 0)
    trouble: frozenset[str] = frozenset()
    energy_kwh: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class CraneState:
    """A crane at `time_us` (epoch µs): what it was doing, its flags (-1: never said) and readings, and its jobs."""

    time_us: int
    phase: Phase
    flags: tuple[int, int]
    readings: Mapping[str, Any]
    running: Running
    context: Mapping[str, Any]

    @property
    def mode(self) -> str | None:
        mode: str | None = self.readings.get("spreader_mode")
        return mode

    def with_context(self, context: Mapping[str, Any]) -> Self:
        """The same, with what is known beside the samples (crane_context.py)."""
        return replace(self, context=context)

    def as_json(self) -> dict[str, Any]:
        running = self.running
        return {
            "version": VERSION,
            "time_us": self.time_us,
            "phase": self.phase,
            "flags": list(self.flags),
            "readings": dict(self.readings),
            "running": {
                "started_us": running.started_us,
                "moved_us": list(running.moved_us),
                "trouble": sorted(running.trouble),
                "energy_kwh": None if running.energy_kwh is None else list(running.energy_kwh),
            },
            "context": dict(self.context),
        }

    @classmethod
    def of_json(cls, state: Mapping[str, Any]) -> Self:
        """Raises ValueError for a state that another version of the fold has left: fold from the beginning then."""
        if not is_readable(state):
            raise ValueError(f"a crane's state of version {state.get('version')} cannot be folded on from")
        running = state["running"]
        energy = running["energy_kwh"]
        hoisted, across, lowered = running["moved_us"]
        return cls(
            state["time_us"],
            state["phase"],
            (state["flags"][0], state["flags"][1]),
            state["readings"],
            Running(
                running["started_us"],
                (hoisted, across, lowered),
                frozenset(running["trouble"]),
                None if energy is None else (energy[0], energy[1]),
            ),
            state["context"],
        )


def is_readable(state: Mapping[str, Any]) -> bool:
    """Whether this version of the fold can go on from a stored state."""
    return state.get("version") == VERSION
