"""A store and what it holds, the same to look at whether it is the memory store or TimescaleDB."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import psycopg
from asyncpg import Pool
from psycopg.rows import dict_row

from connectors.memory import Database as Memory
from connectors.memory import MemoryStore
from connectors.timescale.store import TimescaleStore
from streams.core.record import Stretch, TopicPartition
from streams.core.writes import DeadLetter, Pause, Writes
from streams.pipeline import Fence
from streams.store import Store
from tests.support.databases import Database
from tests.support.judging import States, pipeline, planned
from tests.support.records import CRANES

GROUP = "contract"
Row = dict[str, Any]
JSON_COLUMNS = ("extra", "labels")


class World(Protocol):
    """A database that several workers write to."""

    def store(self, owner: str) -> Store:
        """The store of a worker."""

    async def fence(self, tp: TopicPartition) -> Row:
        """The fence row of a partition: offsets, epoch and counts."""

    async def rows(self, table: str) -> list[Row]:
        """The rows of a raw table, in one order, JSON parsed."""

    async def rollup(self, table: str) -> list[Row]:
        """The rows of a minute or hour table, in one order."""

    async def gaps(self) -> list[tuple[int, int, bool]]:
        """Every gap: from, to, and whether it was filled."""

    async def dead_letters(self) -> list[Row]:
        """Every dead letter whole, in one order."""

    async def lost(self) -> list[tuple[Any, ...]]:
        """Every lost range."""

    async def assets(self) -> list[tuple[str, str]]:
        """The assets nobody declared, with their sites."""

    async def sources(self) -> dict[str, tuple[int, int]]:
        """(accepted, duplicate) by source."""

    async def lift(self, tp: TopicPartition) -> None:
        """Lift the pause of a partition."""


class MemoryWorld:
    """The memory store's."""

    def __init__(self) -> None:
        self.database = Memory()

    def store(self, owner: str) -> Store:
        return MemoryStore(self.database, owner)

    async def fence(self, tp: TopicPartition) -> Row:
        line = self.database.partitions[tp]
        return {name: getattr(line, name) for name in FENCE_COLUMNS}

    async def rows(self, table: str) -> list[Row]:
        return ordered(map(parsed, self.database.rows.get(table, ())))

    async def rollup(self, table: str) -> list[Row]:
        return ordered(map(parsed, self.database.rollups.get(table, {}).values()))

    async def gaps(self) -> list[tuple[int, int, bool]]:
        return sorted((*line.gap, line.is_filled) for line in self.database.gaps)

    async def dead_letters(self) -> list[Row]:
        return ordered(map(as_row, self.database.dead_letters))

    async def lost(self) -> list[tuple[Any, ...]]:
        return sorted((*gap.tp, gap.start, gap.end, gap.kind) for gap in self.database.lost)

    async def assets(self) -> list[tuple[str, str]]:
        return sorted(self.database.assets.items())

    async def sources(self) -> dict[str, tuple[int, int]]:
        return {source: counts for (source, _), counts in self.database.sources.items()}

    async def lift(self, tp: TopicPartition) -> None:
        self.database.lift(tp)


class TimescaleWorld:
    """A migrated database's. The workers write as the worker role; the looking is done as owner."""

    def __init__(self, database: Database, pool: Pool) -> None:
        self._database = database
        self._pool = pool

    def store(self, owner: str) -> Store:
        return TimescaleStore(self._pool, GROUP, owner)

    async def fence(self, tp: TopicPartition) -> Row:
        where = f"topic = '{tp.topic}' AND partition = {tp.partition} AND consumer_group = '{GROUP}'"
        (row,) = self._query(f"SELECT * FROM ingest.partition_offset WHERE {where}")
        return {name: row[name] for name in FENCE_COLUMNS}

    async def rows(self, table: str) -> list[Row]:
        return ordered(self._query(f"SELECT * FROM {table}"))

    async def rollup(self, table: str) -> list[Row]:
        return ordered(self._query(f"SELECT * FROM {table}"))

    async def gaps(self) -> list[tuple[int, int, bool]]:
        rows = self._query(
            "SELECT from_sequence, to_sequence, filled_at IS NOT NULL AS filled FROM ingest.sequence_gap"
        )
        return sorted((row["from_sequence"], row["to_sequence"], row["filled"]) for row in rows)

    async def dead_letters(self) -> list[Row]:
        rows = self._query("SELECT * FROM ingest.dead_letter")
        return ordered([{name: row[name] for name in LETTER_COLUMNS} for row in rows])

    async def lost(self) -> list[tuple[Any, ...]]:
        rows = self._query("SELECT * FROM ingest.lost_range")
        places = ("topic", "partition", "from_offset", "to_offset", "kind")
        return sorted(tuple(row[name] for name in places) for row in rows)

    async def assets(self) -> list[tuple[str, str]]:
        rows = self._query("SELECT asset_id, site_id FROM port.asset WHERE NOT declared")
        return sorted((row["asset_id"], row["site_id"]) for row in rows)

    async def sources(self) -> dict[str, tuple[int, int]]:
        rows = self._query("SELECT source, accepted, duplicate FROM ingest.source_tally")
        return {row["source"]: (row["accepted"], row["duplicate"]) for row in rows}

    async def lift(self, tp: TopicPartition) -> None:
        where = f"topic = '{tp.topic}' AND partition = {tp.partition}"
        self._query(f"UPDATE ingest.partition_pause SET resumed_at = now() WHERE {where} RETURNING topic")

    def _query(self, query: str) -> list[Row]:
        with psycopg.connect(self._database.owner_dsn, autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(query.encode()).fetchall()


FENCE_COLUMNS = ("first_offset", "next_offset", "epoch", "accepted", "duplicate", "rejected", "missing")
LETTER_COLUMNS = (
    *("topic", "partition", "record_offset", "reason", "detail", "key", "headers", "payload"),
    *("source", "event_id", "bootid", "subject", "type", "sequence"),
)


def ordered(rows: Iterable[Row]) -> list[Row]:
    """Rows in an order that does not depend on where they were kept."""
    return sorted(rows, key=lambda row: repr(sorted(row.items(), key=lambda item: item[0])))


def parsed(row: Row) -> Row:
    """A row of the memory store, its JSON texts read."""
    return {n: json.loads(v) if n in JSON_COLUMNS and v is not None else v for n, v in row.items()}


def as_row(letter: DeadLetter) -> Row:
    """A dead letter as `ingest.dead_letter` keeps it."""
    record, refusal = letter.record, letter.refusal
    named = {name: getattr(refusal, name) for name in LETTER_COLUMNS[-6:]}
    headers = [[n, None if v is None else base64.b64encode(v).decode()] for n, v in record.headers]
    return {
        "topic": letter.tp.topic,
        "partition": letter.tp.partition,
        "record_offset": record.offset,
        "reason": refusal.reason.value,
        "detail": refusal.detail,
        "key": record.key,
        "headers": headers,
        "payload": record.value,
        **named,
    }


async def claimed(store: Store, *partitions: TopicPartition, start: int = 0) -> Mapping[TopicPartition, Fence]:
    """Take partitions over; the fences to commit with."""
    positions = await store.claim(dict.fromkeys(partitions, start))
    return {tp: Fence(position.next_offset, position.epoch) for tp, position in positions.items()}


async def commit(
    store: Store,
    stretches: Sequence[Stretch],
    fences: Mapping[TopicPartition, Fence],
    *,
    states: States | None = None,
    pauses: tuple[Pause, ...] = (),
    domain: str = "crane",
) -> Writes:
    """Judge a batch and commit it, with the stored stream states unless others are given."""
    by = pipeline(domain)
    if states is None:
        states = await store.streams(by.streams(by.read(stretches, {})))
    plan = planned(stretches, by=by, states=states, fences=fences, pauses=pauses)
    prepared = None if plan.probes else store.prepare(plan.writes(()))
    return await store.commit(plan, prepared)


def moved(fences: Mapping[TopicPartition, Fence], to: int, tp: TopicPartition = CRANES) -> dict[TopicPartition, Fence]:
    """The fence of a partition after a batch up to offset `to`."""
    return {tp: Fence(to, fences[tp].epoch)}
