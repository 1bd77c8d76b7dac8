"""What the database must hold after a run of all event types: per table rows, identities and the sums of numbers.

Computed from the events, not by the product. Rollups must hold as many rows and the same sums as what they add up.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from schemas.tables import CELL_MEASUREMENT, RAW_BY_TYPE, RAW_TABLES, ROLLUPS, Rollup
from streams.cli.benchmark.mixture import Made
from streams.cli.benchmark.oracle import RELATIVE
from streams.cli.benchmark.shape import Shape


@dataclass(slots=True)
class Sums:
    """One table: rows, the events behind them, and per column of numbers how many there are and their sum."""

    rows: int = 0
    events: int = 0
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    totals: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, values: Iterable[Mapping[str, Any]]) -> None:
        """Count in an event that becomes these rows."""
        self.events += 1
        for row in values:
            self.rows += 1
            for name, value in row.items():
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    self.counts[name] += 1
                    self.totals[name] += value


@dataclass(frozen=True, slots=True)
class ExpectedTables:
    """Sums by table; tables without an event have none."""

    tables: Mapping[str, Sums] = field(repr=False)

    async def check_rows(self, connection: asyncpg.Connection, shape: Shape) -> list[str]:
        """How the raw tables differ; they are the product's own, so `shape` has no say."""
        del shape
        faults = []
        for table in RAW_TABLES:
            expected = self.tables.get(table.name, Sums())
            found = await connection.fetchrow(_question(table.name, expected))
            faults += list(differences(table.name, dict(found or {}), expected))
        return faults

    async def check_rollups(self, connection: asyncpg.Connection) -> list[str]:
        """How the sums of the minute and hour tables differ from those of the rows."""
        faults = []
        for rollup in ROLLUPS:
            for name in (rollup.minute, rollup.hour):
                wanted = dict(_rolled_up(rollup, self.tables))
                sums = ", ".join(f"coalesce(sum({column}), 0)::float8 AS {column}" for column in wanted)
                found = await connection.fetchrow(f"SELECT {sums} FROM {name}")  # noqa: S608  (schemas/tables.py)
                faults += [
                    f"{name}: {column} adds up to {found[column]}, expected {value}"
                    for column, value in wanted.items()
                    if found is not None and not math.isclose(found[column], value, rel_tol=RELATIVE, abs_tol=1e-9)
                ]
        return faults


def expect_tables(events: Iterable[Made]) -> ExpectedTables:
    """What must be stored when exactly these events were taken once each."""
    tables: dict[str, Sums] = defaultdict(Sums)
    for event in events:
        table = RAW_BY_TYPE[event.type]
        tables[table.name].add(event.data["measurements"] if table is CELL_MEASUREMENT else [event.data])
    return ExpectedTables(dict(tables))


def differences(table: str, found: Mapping[str, Any], expected: Sums) -> Iterator[str]:
    """What is different, in words. `found`: rows, events, and `count_`/`sum_` of every column of numbers."""
    for name, value in (("rows", expected.rows), ("events", expected.events)):
        if found[name] != value:
            yield f"{table}: {found[name]} {name} instead of {value}"
    for name, total in expected.totals.items():
        if found[f"count_{name}"] != expected.counts[name]:
            yield f"{table}: {name} is there {found[f'count_{name}']} times, expected {expected.counts[name]}"
        elif not math.isclose(found[f"sum_{name}"] or 0.0, total, rel_tol=RELATIVE, abs_tol=1e-9):
            yield f"{table}: {name} adds up to {found[f'sum_{name}']}, expected {total}"


def _question(table: str, expected: Sums) -> str:
    numbers = "".join(f", count({n}) AS count_{n}, sum({n})::float8 AS sum_{n}" for n in expected.totals)
    identities = "count(DISTINCT (source, event_id)) AS events"
    return f"SELECT count(*) AS rows, {identities}{numbers} FROM {table}"  # noqa: S608  (names of schemas/tables.py)


def _rolled_up(rollup: Rollup, tables: Mapping[str, Sums]) -> Iterator[tuple[str, float]]:
    """Columns of a rollup that add up to what is known of the rows."""
    for table, measures in rollup.contributions.items():
        sums = tables.get(table, Sums())
        for measure in measures:
            if measure.how == "rows" and not measure.where:
                yield measure.column, sums.rows
            elif measure.how == "sum" and measure.field in sums.totals:
                yield measure.column, sums.totals[measure.field]
