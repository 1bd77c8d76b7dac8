"""One drill: a fault, the alerts it must raise, its repair; and what came of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deploy.monitoring.drills.ground import Alert, Ground

CALM_S = 1_200.0
# How long other pages are looked for after the alerts have fired, and after they have cleared.
WATCH_S = 20.0


@dataclass(frozen=True)
class Drill:
    """A fault, the alerts it must raise within `within_s` seconds, and its repair, `clears_s` after which none fires.

    `rests`: after an outage its alerts are held back for a while, and a worker that has just started comes from one.
    """

    fault: str
    alerts: tuple[Alert, ...]
    within_s: float
    harm: Callable[[Ground], object]
    repair: Callable[[Ground], object]
    clears_s: float = 300.0
    rests: bool = False


@dataclass(frozen=True)
class Result:
    """What came of it: after how many seconds each alert fired, and after how many all had cleared (None: did not)."""

    drill: Drill
    fired_s: Mapping[Alert, float]
    cleared_s: float | None
    other_pages: frozenset[Alert]

    def is_as_stated(self) -> bool:
        return set(self.fired_s) == set(self.drill.alerts) and self.cleared_s is not None and not self.other_pages


def play(drill: Drill, place: Ground) -> Result:
    """Once its alerts are quiet: harm, wait, repair, wait. What paged before is not this fault's."""
    if _until(lambda: _is_calm(drill, place), CALM_S) is None:
        raise SystemExit(f"{drill.fault}: {drill.alerts} fire already, or no worker is ready: {place.firing()}")
    seen: set[Alert] = set()
    before = _pages(place.firing())
    drill.harm(place)
    fired_s = _fire(drill, place, seen)
    _watch(place, seen)
    drill.repair(place)
    cleared_s = _until(lambda: not _now(place, seen) & set(drill.alerts), drill.clears_s)
    _watch(place, seen)
    return Result(drill, fired_s, cleared_s, frozenset(seen - before - set(drill.alerts)))


def _is_calm(drill: Drill, place: Ground) -> bool:
    return all(place.is_calm(alert) for alert in drill.alerts) and (not drill.rests or place.has_rested())


def _fire(drill: Drill, place: Ground, seen: set[Alert]) -> dict[Alert, float]:
    started = time.monotonic()
    fired_s: dict[Alert, float] = {}

    def has_fired() -> bool:
        for alert in _now(place, seen) & set(drill.alerts) - set(fired_s):
            fired_s[alert] = time.monotonic() - started
        return set(fired_s) == set(drill.alerts)

    _until(has_fired, drill.within_s)
    return fired_s


def _now(place: Ground, seen: set[Alert]) -> set[Alert]:
    """What fires, pages and tickets; the pages are noted."""
    firing = place.firing()
    seen |= _pages(firing)
    return firing


def _pages(alerts: set[Alert]) -> set[Alert]:
    return {alert for alert in alerts if alert.severity == "page"}


def _watch(place: Ground, seen: set[Alert]) -> None:
    """Note what else pages for a while."""
    ends = time.monotonic() + WATCH_S
    while time.monotonic() < ends:
        _now(place, seen)
        time.sleep(0.5)


def _until(condition: Callable[[], bool], within_s: float) -> float | None:
    """Seconds until it held, None when it did not."""
    started = time.monotonic()
    while (passed := time.monotonic() - started) < within_s:
        if condition():
            return passed
        time.sleep(0.5)
    return None


def line(result: Result) -> str:
    """A row of the table in docs/drills.md."""
    drill, others = result.drill, ", ".join(sorted(alert.name for alert in result.other_pages)) or "none"
    fired = ", ".join(f"{result.fired_s[one]:.0f} s" if one in result.fired_s else "no" for one in drill.alerts)
    cleared = f"{result.cleared_s:.0f} s" if result.cleared_s is not None else "no"
    names = ", ".join(alert.name for alert in drill.alerts)
    return f"| {drill.fault} | {names} | {drill.within_s:.0f} s | {fired} | {cleared} | {others} |"
