"""Visits and calls: rebuilt whole from all rows of their key, however many assets told of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.timescale.facts import read_facts
from connectors.timescale.pool import Connection
from connectors.timescale.raw_rows import Wanted, read_rows
from connectors.timescale.refolds import Outcome, Work, fold_in_thread
from schemas.facts import FactTable
from streams.facts.fact import Rows
from streams.facts.kinds import KeyedKind
from streams.facts.restate import Changes, Stored, compare

Place = tuple[str, str]


class KeyedFolding:
    """Folds the keys of one keyed kind."""

    def __init__(self, kind: KeyedKind) -> None:
        self._kind = kind

    @property
    def table(self) -> FactTable:
        """Where its facts are."""
        return self._kind.table

    @property
    def raw(self) -> Sequence[str]:
        """The raw tables it reads."""
        return self._kind.raw

    async def fold(
        self, connection: Connection, works: Sequence[Work], clocks: Mapping[str, datetime], horizon: datetime
    ) -> Outcome:
        """Read the rows and facts of all keys at once, fold each."""
        if not works:
            return Outcome()
        stored = await self._stored(connection, works)
        wanted = [self._wanted(work, stored[_place(work)]) for work in works]
        rows = await read_rows(connection, self.raw, self._kind.column, wanted)

        def changes(work: Work) -> Changes:
            return self._changes(work, rows[_place(work)], stored[_place(work)], (clocks[work.site], horizon))

        return Outcome(*await fold_in_thread(changes, works))

    async def _stored(self, connection: Connection, works: Sequence[Work]) -> dict[Place, list[Stored]]:
        among = f"JOIN unnest($1::text[], $2::text[]) AS k(site, value) ON f.site = k.site AND f.{self._kind.column} = k.value"
        places = [_place(work) for work in works]
        found: dict[Place, list[Stored]] = {place: [] for place in places}
        for fact in await read_facts(connection, self.table, among, *map(list, zip(*places, strict=True))):
            found[fact.values["site"], fact.values[self._kind.column]].append(fact)
        return found

    def _wanted(self, work: Work, stored: Sequence[Stored]) -> Wanted:
        earliest = min((work.since, *(fact.values["first_at"] for fact in stored)))
        return Wanted(*_place(work), earliest - self._kind.reach)

    def _changes(self, work: Work, rows: Rows, stored: Sequence[Stored], at: tuple[datetime, datetime]) -> Changes:
        as_of, horizon = at
        folded = self._kind.fold(work.key, rows, as_of)
        # What began before the horizon has lost raw rows: it stays as it was told, and nothing is made of its rest.
        final = {fact.key: fact.values["last_at"] for fact in stored if fact.values["first_at"] < horizon}
        return compare(
            self.table,
            [fact for fact in stored if fact.key not in final],
            [f for f in folded if f.key not in final and all(f.values["first_at"] > end for end in final.values())],
        )


def _place(work: Work) -> Place:
    site, _, value = work.key.partition("/")
    return site, value
