"""The dead letters in `ingest.dead_letter`: looking at them, claiming them for the relay and for a replay.

Every function works on a connection of the caller; the claims lock rows until its transaction ends.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

Headers = tuple[tuple[str, bytes | None], ...]

# One batch held in memory; a letter can be as large as a broker's message.
_BATCH_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Origin:
    """What the refused record said of itself, as far as it could be read."""

    source: str | None
    event_id: str | None
    bootid: str | None
    subject: str | None
    type: str | None
    sequence: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a dead letter is found again: the record's coordinates and when it was refused."""

    received_at: datetime
    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Summary:
    """A dead letter without its content; `size` is the value's length in bytes (None: the value was null)."""

    place: Place
    reason: str
    detail: str | None
    origin: Origin
    size: int | None
    relayed_at: datetime | None
    replayed_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A refused record, byte for byte."""

    place: Place
    reason: str
    detail: str | None
    key: bytes | None
    headers: Headers
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Which:
    """Which dead letters are meant; None = any. `until` leaves out what was refused later."""

    topic: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def summaries(connection: "Connection", which: Which, limit: int) -> list[Summary]:
    """The newest `limit` dead letters, newest first."""
    rows = await connection.fetch(
        f"SELECT {_SUMMARY} FROM ingest.dead_letter WHERE {_matching(1)}"  # noqa: S608
        " ORDER BY received_at DESC, topic, partition, record_offset DESC LIMIT $5",
        *_arguments(which),
        limit,
    )
    return [_summary(row) for row in rows]


async def count(connection: "Connection", which: Which) -> int:
    """How many there are."""
    query = f"SELECT count(*) FROM ingest.dead_letter WHERE {_matching(1)}"  # noqa: S608
    return int(await connection.fetchval(query, *_arguments(which)))


async def count_unreplayed(connection: "Connection", which: Which) -> int:
    """How many have not been replayed yet."""
    query = f"SELECT count(*) FROM ingest.dead_letter WHERE {_matching(1)} AND replayed_at IS NULL"  # noqa: S608
    return int(await connection.fetchval(query, *_arguments(which)))


async def show(connection: "Connection", topic: str, partition: int, offset: int) -> tuple[Summary, DeadLetter] | None:
    """One dead letter whole (the newest, should the offset have been refused more than once), or None."""
    row = await connection.fetchrow(
        f"SELECT {_SUMMARY}, key, headers, payload FROM ingest.dead_letter"  # noqa: S608
        " WHERE topic = $1 AND partition = $2 AND record_offset = $3 ORDER BY received_at DESC LIMIT 1",
        topic,
        partition,
        offset,
    )
    return None if row is None else (_summary(row), _letter(row))


async def claim_unrelayed(connection: "Connection", limit: int) -> list[DeadLetter]:
    """The oldest letters that no one relayed or holds, at most `limit` and 16 MiB; locks them."""
    query = _claim("relayed_at IS NULL", order="received_at, topic, partition, record_offset", skip="SKIP LOCKED")
    return [_letter(row) for row in await connection.fetch(query, limit, _BATCH_BYTES)]


async def claim_unreplayed(connection: "Connection", which: Which, after: Place | None, limit: int) -> list[DeadLetter]:
    """The next letters of `which` not replayed yet, by topic, partition and offset; at most `limit` and 16 MiB.

    Locks them; waits for rows that the relay holds.
    """
    condition = f"replayed_at IS NULL AND {_matching(3)} AND (topic, partition, record_offset) > ($7, $8, $9)"
    query = _claim(condition, order="topic, partition, record_offset, received_at")
    start = (after.topic, after.partition, after.offset) if after else ("", -1, -1)
    return [_letter(row) for row in await connection.fetch(query, limit, _BATCH_BYTES, *_arguments(which), *start)]


async def mark_relayed(connection: "Connection", places: Sequence[Place]) -> None:
    """Note that these are in their dead-letter topic."""
    await _mark(connection, "relayed_at", places)


async def mark_replayed(connection: "Connection", places: Sequence[Place]) -> None:
    """Note that these went back to their topic."""
    await _mark(connection, "replayed_at", places)


async def resume(
    connection: "Connection", group: str, topic: str | None, partition: int | None
) -> list[tuple[str, int]]:
    """Lift the pause of a partition, a topic's, or all; returns the partitions that were paused."""
    rows = await connection.fetch(
        "UPDATE ingest.partition_pause SET resumed_at = now() WHERE consumer_group = $1 AND resumed_at IS NULL"
        " AND topic = coalesce($2, topic) AND partition = coalesce($3, partition) RETURNING topic, partition",
        group,
        topic,
        partition,
    )
    return sorted({(row["topic"], row["partition"]) for row in rows})


_ORIGIN: Final = ("source", "event_id", "bootid", "subject", "type", "sequence")
_PLACE: Final = "received_at, topic, partition, record_offset"
_SUMMARY: Final = (
    f"{_PLACE}, reason, detail, octet_length(payload) AS size, relayed_at, replayed_at, {', '.join(_ORIGIN)}"
)


def _matching(first: int) -> str:
    """The condition of a `Which`, whose four values are the parameters from number `first` on."""
    topic, reason, since, until = (f"${first + position}" for position in range(4))
    return (
        f"({topic}::text IS NULL OR topic = {topic}) AND ({reason}::text IS NULL OR reason = {reason})"
        f" AND received_at >= coalesce({since}, '-infinity'::timestamptz)"
        f" AND received_at <= coalesce({until}, 'infinity'::timestamptz)"
    )


def _arguments(which: Which) -> tuple[str | None, str | None, datetime | None, datetime | None]:
    return which.topic, which.reason, which.since, which.until


def _claim(condition: str, order: str, skip: str = "") -> str:
    """Rows are locked first and measured after, so that one batch never outgrows memory; the first always fits.

    Parameters 1 and 2 are the most rows and the most bytes.
    """
    return f"""
        SELECT * FROM (
            SELECT *, row_number() OVER ordered AS place, sum(octet_length(payload)) OVER ordered AS bytes
            FROM (
                SELECT {_PLACE}, reason, detail, key, headers, payload FROM ingest.dead_letter WHERE {condition}
                ORDER BY {order} LIMIT $1 FOR UPDATE {skip}
            ) AS locked
            WINDOW ordered AS (ORDER BY {order})
        ) AS measured
        WHERE place = 1 OR coalesce(bytes, 0) <= $2 ORDER BY place
    """  # noqa: S608


async def _mark(connection: "Connection", column: str, places: Sequence[Place]) -> None:
    times = [place.received_at for place in places]
    await connection.execute(
        # The range lets TimescaleDB leave out the chunks that hold none of them.
        f"UPDATE ingest.dead_letter d SET {column} = now()"  # noqa: S608
        " FROM unnest($1::timestamptz[], $2::text[], $3::int[], $4::bigint[]) AS v(received_at, topic, partition, o)"
        " WHERE d.received_at = v.received_at AND d.topic = v.topic AND d.partition = v.partition"
        " AND d.record_offset = v.o AND d.received_at BETWEEN $5 AND $6",
        times,
        [place.topic for place in places],
        [place.partition for place in places],
        [place.offset for place in places],
        min(times),
        max(times),
    )


def _place(row: "asyncpg.Record") -> Place:
    return Place(row["received_at"], row["topic"], row["partition"], row["record_offset"])


def _summary(row: "asyncpg.Record") -> Summary:
    return Summary(
        place=_place(row),
        reason=row["reason"],
        detail=row["detail"],
        origin=Origin(**{name: row[name] for name in _ORIGIN}),
        size=row["size"],
        relayed_at=row["relayed_at"],
        replayed_at=row["replayed_at"],
    )


def _letter(row: "asyncpg.Record") -> DeadLetter:
    headers = tuple(
        (name, None if value is None else base64.b64decode(value)) for name, value in json.loads(row["headers"])
    )
    return DeadLetter(_place(row), row["reason"], row["detail"], row["key"], headers, row["payload"])
