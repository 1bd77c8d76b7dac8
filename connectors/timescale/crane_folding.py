"""Crane cycles: folded on from the last cycle that the marks cannot change, until the result is what is stored.

Samples are read in windows, so that memory is bounded however long a crane stood still or however much history is
folded anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from connectors.timescale.facts import read_facts
from connectors.timescale.pool import Connection
from connectors.timescale.raw_rows import read_crane_rows, read_samples
from connectors.timescale.refolds import Outcome, Work, fold_in_thread
from schemas.facts import FactTable
from streams.facts.crane_samples import Samples, from_us
from streams.facts.crane_state import is_readable
from streams.facts.fact import Fact, Rows
from streams.facts.kinds import CraneKind
from streams.facts.restate import Changes, Stored, coincides, compare

FIRST_SAMPLES: Final = 8_000
MOST_SAMPLES: Final = 250_000
_EVER: Final = datetime(2100, 1, 1, tzinfo=UTC)
_AFTER: Final = "WHERE f.crane_id = $1 AND f.ended_at > $2 AND f.ended_at <= $3"
# What began before retention's horizon has lost raw rows and is final.
_BEFORE: Final = "WHERE f.crane_id = $1 AND (f.ended_at <= $2 OR f.started_at < $3) ORDER BY f.ended_at DESC LIMIT 1"
_BY_KEY: Final = "WHERE f.crane_id = $1 AND f.cycle_id = ANY($2::text[])"


@dataclass(slots=True)
class Walk:
    """One crane's way through its windows: where it stands, what was folded and what was stored there."""

    after: datetime
    state: Mapping[str, Any] | None
    folded: list[Fact] = field(default_factory=list)
    stored: dict[str, Stored] = field(default_factory=dict)

    def end_at(self, last: Fact) -> None:
        """What is stored after `last` and was not folded again stays as it is."""
        ended_at, keys = last.values["ended_at"], {fact.key for fact in self.folded}
        self.stored = {k: s for k, s in self.stored.items() if k in keys or s.values["ended_at"] <= ended_at}


@dataclass(frozen=True, slots=True)
class Window:
    """Samples and what came beside them; `is_last` where there are no later samples."""

    samples: Samples
    rows: Rows
    is_last: bool


class CraneFolding:
    """Folds the cycles of cranes."""

    def __init__(self, kind: CraneKind, first_samples: int = FIRST_SAMPLES) -> None:
        self._kind = kind
        self._first = first_samples

    @property
    def table(self) -> FactTable:
        """Where its facts are."""
        return self._kind.table

    @property
    def raw(self) -> Sequence[str]:
        """The raw tables it reads."""
        return ("port.crane_sample", *self._kind.beside)

    async def fold(
        self,
        connection: Connection,
        works: Sequence[Work],
        clocks: Mapping[str, datetime],  # noqa: ARG002  (no cycle is closed by age)
        horizon: datetime,
    ) -> Outcome:
        """One crane after the other; what one crane's fold raises is its own."""
        changes: dict[str, Changes] = {}
        failed: dict[str, str] = {}
        for work in works:
            found = await self._crane(connection, work, horizon)
            if isinstance(found, str):
                failed[work.key] = found
            else:
                changes[work.key] = found
        return Outcome(changes, failed)

    async def _crane(self, connection: Connection, work: Work, horizon: datetime) -> Changes | str:
        walk = await self._start(connection, work, horizon)
        limit, is_over = self._first, False
        while not is_over:
            window = await self._window(connection, work.key, walk.after, limit)
            folded, failed = await fold_in_thread(lambda _: self._facts(work.key, walk, window), [work])  # noqa: B023
            if failed:
                return failed[work.key]
            facts: list[Fact] = folded[work.key]
            limit = min(2 * limit, MOST_SAMPLES) if facts else 2 * limit
            if not facts and not window.is_last:
                continue  # not one cycle in the window: a longer one
            is_over = await self._go_on(connection, work, walk, facts)
            if window.is_last and not is_over:
                await self._keep_stored(connection, work.key, walk, _EVER)
                is_over = True
        return compare(self.table, walk.stored.values(), walk.folded)

    async def _start(self, connection: Connection, work: Work, horizon: datetime) -> Walk:
        """The last cycle that these marks cannot change, else the first row there is."""
        before = work.since - self._kind.reach if work.since > horizon else horizon
        found = await read_facts(connection, self.table, _BEFORE, work.key, before, horizon)
        if found and is_readable(found[0].values["state"]):
            state = found[0].values["state"]
            return Walk(from_us(state["time_us"]), state)
        return Walk(horizon, None)

    async def _window(self, connection: Connection, crane: str, after: datetime, limit: int) -> Window:
        samples = await read_samples(connection, crane, after, limit)
        is_last = len(samples) < limit
        until = _EVER if is_last else from_us(int(samples.time_us[-1]))
        rows = await read_crane_rows(connection, self._kind.beside, crane, after, until)
        return Window(samples, rows, is_last)

    def _facts(self, crane: str, walk: Walk, window: Window) -> list[Fact]:
        """The cycles of a window; what the next window may still change is left to it."""
        beside = [window.rows[table] for table in self._kind.beside]
        facts = self._kind.fold(crane, walk.state, window.samples, *beside)
        if window.is_last:
            return facts
        sure = from_us(int(window.samples.time_us[-1])) - self._kind.reach
        return [fact for fact in facts if fact.values["ended_at"] <= sure]

    async def _go_on(self, connection: Connection, work: Work, walk: Walk, facts: Sequence[Fact]) -> bool:
        """Take the cycles of a window up to the first, past the marks, that is stored as it is: whether there is one."""
        if not facts:
            return False
        await self._keep_stored(connection, work.key, walk, facts[-1].values["ended_at"])
        await self._keep_named(connection, work.key, walk, facts)
        for fact in facts:
            walk.folded.append(fact)
            stored = walk.stored.get(fact.key)
            past = fact.values["ended_at"] > work.until + self._kind.reach
            if past and stored is not None and coincides(self.table, stored.values, fact.values):
                walk.end_at(fact)
                return True
        walk.state = facts[-1].values["state"]
        walk.after = from_us(facts[-1].values["state"]["time_us"])
        return False

    async def _keep_stored(self, connection: Connection, crane: str, walk: Walk, until: datetime) -> None:
        found = await read_facts(connection, self.table, _AFTER, crane, walk.after, until)
        walk.stored |= {fact.key: fact for fact in found}

    async def _keep_named(self, connection: Connection, crane: str, walk: Walk, facts: Sequence[Fact]) -> None:
        """A cycle that ends earlier now is stored beyond the window."""
        missing = [fact.key for fact in facts if fact.key not in walk.stored]
        if missing:
            found = await read_facts(connection, self.table, _BY_KEY, crane, missing)
            walk.stored |= {fact.key: fact for fact in found}
