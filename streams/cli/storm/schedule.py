"""What breaks when: drawn from a seed, printed, kept in a file, played again. Equal seeds give equal schedules."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from schemas.errors import ConfigurationError

WARM_UP_S: Final = 6.0
REST_S: Final = 12.0


@dataclass(frozen=True, slots=True)
class Cast:
    """Who can be hit. Numbers count from 1."""

    workers: int = 3
    gateways: int = 2
    brokers: int = 3

    def targets(self, who: str) -> tuple[str, ...]:
        """The names of a kind of target; a name that is no kind is one target."""
        counts = {"worker": self.workers, "gateway": self.gateways, "kafka": self.brokers}
        links = {"edge": self.brokers, "work": self.brokers, "inner": self.brokers}
        if who in counts:
            return tuple(f"{who}-{n}" for n in range(1, counts[who] + 1))
        if who in links:
            return (*(f"{who}-{n}" for n in range(1, links[who] + 1)), f"{who}-")
        return (who,)


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault: whom it can hit, how long it lasts, how often it is drawn, and on which side.

    Sides break at the same time; what is on one side comes one after the other, as two of them would only be one outage.
    """

    name: str
    who: tuple[str, ...]
    least_s: float
    most_s: float
    weight: int
    side: str
    what: str


FAULTS: Final = (
    Fault("worker-kill", ("worker",), 1, 10, 4, "clients", "kill -9, started again after it"),
    Fault("worker-term", ("worker",), 1, 6, 2, "clients", "SIGTERM, started again after it"),
    Fault("worker-freeze", ("worker",), 3, 18, 3, "clients", "SIGSTOP, SIGCONT: beyond the session it is a zombie"),
    Fault("worker-clock", ("worker",), 8, 15, 1, "clients", "runs with its clock a day ahead (libfaketime)"),
    Fault("rebalance-storm", ("workers",), 10, 20, 1, "clients", "one more worker joins and leaves every two seconds"),
    Fault("gateway-kill", ("gateway",), 1, 8, 3, "clients", "kill -9, started again after it"),
    Fault("gateway-term", ("gateway",), 1, 5, 1, "clients", "SIGTERM, started again after it"),
    Fault("gateway-freeze", ("gateway",), 3, 12, 1, "clients", "SIGSTOP, SIGCONT"),
    Fault("link-slow", ("edge", "work", "db-"), 5, 15, 2, "clients", "80 to 400 ms each way, 256 KiB/s"),
    Fault("link-silent", ("edge", "work", "db-"), 4, 15, 2, "clients", "half-open: accepted, nothing passed on"),
    Fault("link-reset", ("edge", "work", "db-"), 0, 0, 2, "clients", "every connection reset"),
    Fault("link-cut", ("edge", "work", "db-"), 5, 12, 2, "clients", "every connection reset after 64 KiB"),
    Fault("link-refused", ("edge", "work", "db-"), 4, 12, 1, "clients", "connections reset, new ones too"),
    Fault("commit-cut", ("db-",), 8, 15, 3, "clients", "reset when COMMIT was sent, before its answer, five times"),
    Fault("broker-kill", ("kafka",), 5, 15, 3, "servers", "kill -9, started again after it"),
    Fault("broker-term", ("kafka",), 4, 10, 1, "servers", "SIGTERM: leaders move first; started again after it"),
    Fault("broker-freeze", ("kafka",), 4, 15, 2, "servers", "SIGSTOP, SIGCONT"),
    Fault("brokers-gone", ("brokers",), 4, 12, 1, "servers", "all three killed, started again after it"),
    Fault("brokers-apart", ("inner",), 4, 10, 1, "servers", "brokers cannot reach one, or each other"),
    Fault(
        "fail-over", ("database",), 1, 5, 3, "servers", "primary killed, standby promoted after it, joined by a new one"
    ),
    Fault("primary-crash", ("database",), 2, 10, 2, "servers", "primary killed and started again"),
    Fault("primary-freeze", ("database",), 3, 12, 1, "servers", "SIGSTOP of all its processes, SIGCONT"),
    Fault("standby-kill", ("database",), 3, 10, 2, "servers", "no commit ends until it is back"),
    Fault("database-slow", ("database",), 6, 15, 1, "servers", "each transaction takes a second longer"),
    Fault("table-locked", ("database",), 4, 12, 1, "servers", "a table that is written to is locked"),
    Fault("sessions-ended", ("database",), 0, 0, 2, "servers", "pg_terminate_backend of every session of a worker"),
)
BY_NAME: Final[Mapping[str, Fault]] = {fault.name: fault for fault in FAULTS}


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One fault: from `at_s` after the start, for `lasts_s`, on `target`."""

    at_s: float
    fault: str
    target: str
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is to happen within `seconds`; `seed` is 0 where a person wrote it."""

    seed: int
    seconds: float
    steps: tuple[Step, ...] = field(default_factory=tuple)

    def sides(self) -> dict[str, tuple[Step, ...]]:
        """Steps in order, by side."""
        found: dict[str, list[Step]] = {}
        for step in sorted(self.steps):
            found.setdefault(BY_NAME[step.fault].side, []).append(step)
        return {side: tuple(steps) for side, steps in found.items()}

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def draw(seed: int, seconds: float, cast: Cast, only: Iterable[str] = (), without: Iterable[str] = ()) -> Schedule:
    """A random schedule: on each side one fault after the other, with pauses in which things may recover, or not."""
    dice = Random(seed)  # noqa: S311  (no secret)
    kinds = [f for f in FAULTS if (not only or f.name in set(only)) and f.name not in set(without)]
    steps: list[Step] = []
    for side in sorted({fault.side for fault in kinds}):
        mine = [fault for fault in kinds if fault.side == side]
        at_s = WARM_UP_S + dice.uniform(0, 8)
        while at_s < seconds - REST_S:
            fault = dice.choices(mine, [f.weight for f in mine])[0]
            target = dice.choice([name for who in fault.who for name in cast.targets(who)])
            lasts_s = min(dice.uniform(fault.least_s, fault.most_s), seconds - at_s)
            steps.append(Step(round(at_s, 1), fault.name, target, round(lasts_s, 1)))
            at_s += lasts_s + dice.uniform(3, 15)
    return Schedule(seed, seconds, tuple(sorted(steps)))


def one_by_one(seed: int, cast: Cast, pause_s: float, only: Sequence[str] = (), lasts_s: float = 10.0) -> Schedule:
    """Every kind of fault once, alone, each with time to recover before the next: how long that takes is then its own."""
    dice = Random(seed)  # noqa: S311  (no secret)
    at_s, steps = WARM_UP_S, []
    for fault in (fault for fault in FAULTS if not only or fault.name in only):
        target = dice.choice([name for who in fault.who for name in cast.targets(who)])
        lasts = min(max(lasts_s, fault.least_s), fault.most_s) if fault.most_s else 0.0
        steps.append(Step(round(at_s, 1), fault.name, target, lasts))
        at_s += lasts + pause_s
    return Schedule(seed, at_s, tuple(steps))


def read_schedule(file: Path) -> Schedule:
    """As `as_json` wrote it. Raises ConfigurationError."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        steps = tuple(Step(**step) for step in found["steps"])
        schedule = Schedule(int(found["seed"]), float(found["seconds"]), steps)
    except OSError as error:
        raise ConfigurationError(f"cannot read {file} ({error.strerror}): name a schedule") from error
    except (ValueError, LookupError, TypeError) as error:
        raise ConfigurationError(f"{file} is not a schedule ({error!r}): a failed run writes one") from error
    if unknown := sorted({step.fault for step in schedule.steps} - BY_NAME.keys()):
        raise ConfigurationError(f"{file}: no such fault: {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    return schedule
