"""Some hours of one raw table: what they hold (rows, records, a digest), and what is wrong with their records.

Runs with the worker's rights: personal columns are in no digest.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any

import asyncpg

from connectors.timescale.extract import personal_columns
from connectors.timescale.row_check import Place, repeats, shown, stored_twice, two_outcomes
from connectors.timescale.spans import Span, in_hours
from schemas.backfill import place_of
from schemas.tables import CELL_MEASUREMENT, RawTable


@dataclass(frozen=True, slots=True)
class Held:
    """What an hour holds: rows, records by partition as the rows number it, and a digest of all of them, in any order.

    The digest begins with a mark of the columns it covers: two of them compare where that is the same.
    """

    rows: int
    records: Mapping[int, int]
    digest: str

    def as_json(self) -> str:
        """The records, as `ingest.verified` keeps them."""
        return json.dumps({str(partition): n for partition, n in sorted(self.records.items())})

    @classmethod
    def from_row(cls, row: Any) -> "Held":
        """A row of `ingest.verified`."""
        return cls(row["rows"], {int(p): n for p, n in json.loads(row["records"]).items()}, row["digest"])

    def differs_from(self, before: "Held") -> str | None:
        """What changed since, in words; None where nothing did."""
        if self.rows != before.rows or self.records != before.records:
            return f"has {self.rows:,} rows, had {before.rows:,}"
        same_columns = self.digest.partition(":")[0] == before.digest.partition(":")[0]
        return "has other values" if same_columns and self.digest != before.digest else None


NOTHING = Held(0, {}, "")


@dataclass(frozen=True, slots=True)
class Rules:
    """What records are judged by: where each partition's fence is, and which partitions use their offsets again."""

    fences: Mapping[Place, int]
    reset: Collection[Place]


async def read_hours(
    connection: asyncpg.Connection, topic: str, table: RawTable, span: Span
) -> tuple[dict[datetime, Held], dict[Place, int]]:
    """What every hour of `span` holds (those without rows are left out), and the highest offset of each partition."""
    rows: Counter[datetime] = Counter()
    records: dict[datetime, dict[int, int]] = {}
    digests: dict[datetime, int] = {}
    last: dict[Place, int] = {}
    for row in await connection.fetch(_hours(table), *span.args):
        hour, place = row["bucket"], place_of(topic, row["partition"])
        rows[hour] += row["rows"]
        records.setdefault(hour, {})[row["partition"]] = row["records"]
        digests[hour] = digests.get(hour, 0) ^ row["digest"]
        last[place] = max(last.get(place, -1), row["last"])
    covers = _covers(table)
    return {hour: Held(n, records[hour], f"{covers}:{digests[hour]:x}") for hour, n in rows.items()}, last


async def check_records(
    connection: asyncpg.Connection, topic: str, table: RawTable, span: Span, rules: Rules
) -> list[str]:
    """Records stored twice, with two outcomes, or not recognised as repeats, in words."""
    return [
        *await stored_twice(connection, topic, table, span),
        *await two_outcomes(connection, topic, table, rules.reset, span),
        *await repeats(connection, table, span),
    ]


def beyond_the_fence(table: RawTable, last: Mapping[Place, int], rules: Rules) -> list[str]:
    """Rows with offsets that their partition has not reached."""
    return [
        f"{shown(place)}: {table.name} has offset {offset}, the fence is at {rules.fences[place]}"
        for place, offset in sorted(last.items())
        if place in rules.fences and place not in rules.reset and offset >= rules.fences[place]
    ]


def readable(table: RawTable) -> tuple[str, ...]:
    """The columns that are not personal, in order."""
    hidden = personal_columns(table.name)
    return tuple(name for name in table.column_names if name not in hidden)


@cache
def _covers(table: RawTable) -> str:
    return sha256(" ".join(readable(table)).encode()).hexdigest()[:8]


@cache
def _hours(table: RawTable) -> str:
    digest = f"bit_xor(hash_record_extended(ROW({', '.join(readable(table))}), 0))"
    hour = "time_bucket(INTERVAL '1 hour', time) AS bucket"
    source = f"FROM {table.name} WHERE {in_hours()}"
    if table is not CELL_MEASUREMENT:
        return (
            f"SELECT {hour}, partition, count(*) AS rows, count(*) AS records, max(record_offset) AS last, "
            f"{digest} AS digest {source} GROUP BY 1, 2"
        )
    # One report makes many rows.
    return (
        "SELECT bucket, partition, sum(n)::bigint AS rows, count(*) AS records, max(record_offset) AS last, "  # noqa: S608
        f"bit_xor(digest) AS digest FROM (SELECT {hour}, partition, record_offset, count(*) AS n, {digest} AS digest "
        f"{source} GROUP BY 1, 2, 3, source, event_id) AS records GROUP BY 1, 2"
    )
