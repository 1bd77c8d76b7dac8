"""Which small fault comes when: from the seed, so that a run can be played again."""

from dataclasses import dataclass
from random import Random
from typing import Final, Literal, get_args

Kind = Literal["term_worker", "kill_worker", "kill_gateway", "pause_broker", "pause_database"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
EVERY_S: Final = 25.0
# Time for the last of them to heal before the end.
QUIET_S: Final = 30.0
_PAUSE_S: Final = (2.0, 8.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """`for_s`: how long what is paused stands still."""

    at_s: float
    kind: Kind
    for_s: float


def schedule(seed: int, seconds: float) -> list[Fault]:
    """Faults of all kinds in turn, the order drawn anew each round, at moments that are not regular."""
    dice = Random(seed)  # noqa: S311  (no secret)
    faults: list[Fault] = []
    turn: list[Kind] = []
    every_s, quiet_s = min(EVERY_S, seconds / 3), min(QUIET_S, seconds / 3)
    at_s = every_s
    while at_s < seconds - quiet_s:
        turn = turn or dice.sample(KINDS, len(KINDS))
        faults.append(Fault(at_s, turn.pop(), dice.uniform(*_PAUSE_S)))
        at_s += every_s * dice.uniform(0.7, 1.3)
    return faults
