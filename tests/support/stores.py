"""A store and what it holds, the same to look at whether it is the memory store or TimescaleDB."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from asyncpg import Pool

from connectors.memory import Database as Memory
from connectors.memory import MemoryStore
from connectors.timescale.side_tables import headers_json
from connectors.timescale.store import TimescaleStore
from schemas.tables import RAW_BY_NAME
from streams.core.record import TopicPartition
from streams.core.writes import DeadLetter
from streams.store import Store
from tests.support.databases import Database

GROUP = "contract"
Row = dict[str, Any]
JSON_COLUMNS = ("extra", "labels", "headers")


class World(Protocol):
    """A database that several workers write to."""

    def store(self, owner: str) -> Store:
        """The store of a worker."""

    async def fence(self, tp: TopicPartition) -> Row:
        """The fence row of a partition: offsets, epoch and counts."""

    async def rows(self, table: str) -> list[Row]:
        """The rows of a raw table by partition, offset and, where one record made many, what tells them apart."""

    async def rollup(self, table: str) -> list[Row]:
        """The rows of a minute or hour table, by key and bucket."""

    async def gaps(self) -> list[tuple[int, int, bool]]:
        """Every gap: from, to, and whether it was filled."""

    async def dead_letters(self) -> list[Row]:
        """Every dead letter whole, by partition and offset."""

    async def lost(self) -> list[tuple[TopicPartition, int, int, str]]:
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
        return ordered_rows(table, self.database.rows.get(table, ()))

    async def rollup(self, table: str) -> list[Row]:
        return ordered_rollup(self.database.rollups.get(table, {}).values())

    async def gaps(self) -> list[tuple[int, int, bool]]:
        return sorted((*line.gap, line.is_filled) for line in self.database.gaps)

    async def dead_letters(self) -> list[Row]:
        return ordered(map(_letter, self.database.dead_letters), ("partition", "record_offset"))

    async def lost(self) -> list[tuple[TopicPartition, int, int, str]]:
        return sorted(tuple(gap) for gap in self.database.lost)

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
        columns = ", ".join(FENCE_COLUMNS)
        where = "consumer_group = %s AND topic = %s AND partition = %s"
        ((*values,),) = self._database.rows(
            f"SELECT {columns} FROM ingest.partition_offset WHERE {where}", GROUP, tp.topic, tp.partition
        )
        return dict(zip(FENCE_COLUMNS, values, strict=True))

    async def rows(self, table: str) -> list[Row]:
        return ordered_rows(table, self._all(table))

    async def rollup(self, table: str) -> list[Row]:
        return ordered_rollup(self._all(table))

    async def gaps(self) -> list[tuple[int, int, bool]]:
        query = "SELECT from_sequence, to_sequence, filled_at IS NOT NULL FROM ingest.sequence_gap"
        return sorted((start, end, is_filled) for start, end, is_filled in self._database.rows(query))

    async def dead_letters(self) -> list[Row]:
        found = [{name: row[name] for name in LETTER_COLUMNS} for row in self._all("ingest.dead_letter")]
        return ordered(map(_readable, found), ("partition", "record_offset"))

    async def lost(self) -> list[tuple[TopicPartition, int, int, str]]:
        rows = self._database.rows("SELECT topic, partition, from_offset, to_offset, kind FROM ingest.lost_range")
        return sorted((TopicPartition(topic, partition), *rest) for topic, partition, *rest in rows)

    async def assets(self) -> list[tuple[str, str]]:
        rows = self._database.rows("SELECT asset_id, site_id FROM port.asset WHERE NOT declared")
        return sorted((asset, site) for asset, site in rows)

    async def sources(self) -> dict[str, tuple[int, int]]:
        rows = self._database.rows("SELECT source, accepted, duplicate FROM ingest.source_tally")
        return {source: (accepted, duplicate) for source, accepted, duplicate in rows}

    async def lift(self, tp: TopicPartition) -> None:
        self._database.rows(
            "UPDATE ingest.partition_pause SET resumed_at = now() WHERE topic = %s AND partition = %s",
            tp.topic,
            tp.partition,
        )

    def _all(self, table: str) -> list[Row]:
        return [row for (row,) in self._database.rows(f"SELECT to_jsonb(t) FROM {table} t")]


FENCE_COLUMNS = ("first_offset", "next_offset", "epoch", "accepted", "duplicate", "rejected", "missing")
LETTER_COLUMNS = (
    *("topic", "partition", "record_offset", "reason", "detail", "key", "headers", "payload"),
    *("source", "event_id", "bootid", "subject", "type", "sequence"),
)
