"""What re-folding asks of a store: which keys wait, one transaction that folds some of them, and what failed.

Pure: a protocol and its values. The real one is connectors/timescale/refolds.py.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple, Protocol

from schemas.errors import Fault
from streams.facts.restate import Reason


class Key(NamedTuple):
    """What is folded as one: a crane, a visit, a container, a call."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class Hold:
    """How long marks of late rows rest: while anything late comes of their site, as long again as they came late at most.

    `late`: how much older than its mark a row is then. `quiet`: how long a site says nothing late until its past counts as
    complete. `longest`: how long at most, however late: then what has come is folded, and the rest once more.
    """

    late: timedelta = timedelta(seconds=10)
    quiet: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Marks not yet folded, the age of the oldest, and keys whose fold failed and is tried again later."""

    marks: int = 0
    oldest_s: float = 0.0
    failing: int = 0


@dataclass(frozen=True, slots=True)
class Refolded:
    """What one transaction did. `failed` keys keep their marks; `busy` keys are being folded by another worker."""

    keys: Collection[Key] = ()
    marks: int = 0
    facts: Mapping[str, int] = field(default_factory=Counter)
    restatements: Mapping[tuple[str, Reason], int] = field(default_factory=Counter)
    failed: Mapping[Key, str] = field(default_factory=dict)
    busy: int = 0


class FactStore(Protocol):
    """Marks, facts and restatements."""

    async def waiting(self) -> Waiting:
        """How much is to be done."""

    async def due(self, patience: Mapping[str, timedelta], limit: int, hold: Hold | None = None) -> Sequence[Key]:
        """Keys with a mark older than the patience of their kind, the oldest first, all of one kind, at most `limit`.

        Without those that failed and are not to be tried again yet, and those whose past still comes, as `hold` says.
        """

    async def refold(self, keys: Sequence[Key]) -> Refolded:
        """Fold keys of one kind again in one transaction and take their marks away; all or nothing.

        A key whose fold raises is left as it was. Raises the driver's errors.
        """

    async def fail(self, failed: Mapping[Key, str]) -> None:
        """Remember why keys failed; each is tried again later and later, at most an hour from now."""

    async def advance_clocks(self) -> None:
        """Take the marks of how far sites have come, and move their clocks."""

    async def close_by_age(self) -> int:
        """Mark what is open and older than its kind's patience; the number of keys."""

    def fault_of(self, error: Exception) -> Fault:
        """`retry`: it ends by itself. Anything else: fewer keys may pass, and one alone is left aside."""
