"""The one transaction: fence first, then everything a batch became, all or nothing. Read this first.

A store claims partitions, loads the states a batch needs, and commits Writes. It decides nothing about
records; what a failure means is in faults.py, what to do about it in the worker's lane.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pyarrow as pa

from connectors.timescale import deferred, fence, hours, refold_marks, rollups, sequences, side_tables, sla
from connectors.timescale.copy import Stream, chunks, encode
from connectors.timescale.deferred import Deferred
from connectors.timescale.faults import cause_of, fault_of
from connectors.timescale.pool import Connection, Pool
from schemas.errors import Fault
from schemas.tables import RAW_BY_NAME
from streams.core.record import TopicPartition
from streams.core.sequence import StreamKey, StreamState
from streams.core.writes import Probe, Writes
from streams.pipeline import Plan
from streams.store import CommitUnknownError, Position

_LOCK_SPACE = 0x7153  # the first key of our advisory locks
_LOCKS = 1_024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# How the driver says that the link or its own state is broken (the last when the server ends a session during COPY).
_BROKEN = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Writes with their rows encoded for COPY; so are minute deltas where they are many, and some of those are deferred."""

    writes: Writes
    streams: Mapping[str, Stream]
    minutes: Mapping[str, pa.Table]
    staged: Mapping[str, Stream]
    deferred: Mapping[str, Deferred]
    hours: Sequence[tuple[str, datetime]]


class TimescaleStore:
    """Holds a pool and the names this worker writes under; every method may raise the driver's errors."""

    def __init__(self, pool: Pool, group: str, owner: str) -> None:
        self._pool = pool
        self._group = group
        self._owner = owner
        self._assets: set[str] = set()

    async def claim(self, starts: Mapping[TopicPartition, int]) -> dict[TopicPartition, Position]:
        """Take over partitions (new ones begin at `starts`) and return where each stands."""
        async with self._pool.acquire() as connection:
            return await fence.claim(connection, self._group, self._owner, starts)

    async def positions(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Position]:
        """Where partitions stand, without claiming."""
        async with self._pool.acquire() as connection, connection.transaction():
            return await fence.read(connection, self._group, partitions)

    async def streams(self, keys: Collection[StreamKey]) -> dict[StreamKey, StreamState]:
        """The stored states of numbered streams."""
        async with self._pool.acquire() as connection:
            return await sequences.load(connection, keys)

    async def paused(self, partitions: Iterable[TopicPartition]) -> set[TopicPartition]:
        """Which partitions the dead-letter bound holds and nobody has resumed."""
        wanted = set(partitions)
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(_PAUSED, self._group)
        return {TopicPartition(row["topic"], row["partition"]) for row in rows} & wanted

    async def add_minutes(self) -> int | None:
        """Add up some of the minutes that were put aside; how many deltas, or None when another worker is at it."""
        async with self._pool.acquire() as connection:
            return await deferred.add_up(connection)

    async def roll_hours(self) -> int | None:
        """Add up the hours whose minutes have changed; how many, or None when another worker is at it."""
        async with self._pool.acquire() as connection:
            return await hours.roll(connection)

    def prepare(self, writes: Writes) -> Prepared:
        """Encode the rows; pure and costly, so it may run while another transaction is in flight."""
        streams = {name: encode(RAW_BY_NAME[name], rows) for name, rows in writes.rows.items()}
        later = deferred.deferred(writes.rollups)
        soon = {table: deltas for table, deltas in writes.rollups.items() if table not in later}
        return Prepared(writes, streams, soon, rollups.staged(soon), later, hours.row_hours(writes.rows))

    def fault_of(self, error: Exception) -> Fault:
        """By SQLSTATE and class (faults.py)."""
        return fault_of(error)

    def cause_of(self, error: Exception) -> str:
        """By SQLSTATE and class (faults.py)."""
        return cause_of(error)

    async def commit(self, plan: Plan, prepared: Prepared | None) -> Writes:
        """Commit a plan and return what was written. `prepared` is given when the plan has no probes.

        Raises `FencedError`, `StaleStreamsError`, `CommitUnknownError` (then ask `positions`), or the driver's error.
        """
        async with self._pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                written = await self._write(connection, plan, prepared)
            except BaseException:
                await _roll_back(connection, transaction)
                raise
            await _commit(transaction)
        self._assets.update(asset for asset, _ in written.assets)
        return written

    async def _write(self, connection: Connection, plan: Plan, prepared: Prepared | None) -> Writes:
        if prepared is None:
            # The fence carries the outcome counts, which need the look-up: so it comes after it here.
            stored = await self._probe(connection, plan)
            prepared = await asyncio.to_thread(lambda: self.prepare(plan.writes(stored)))
        writes = prepared.writes
        await fence.move(connection, self._group, writes.progress)
        await sequences.save(connection, writes.streams)
        for name, stream in prepared.streams.items():
            await _copy(connection, name, stream)
        for table, deltas in prepared.minutes.items():
            await rollups.add(connection, table, deltas, prepared.staged.get(table))
        await deferred.keep(connection, prepared.deferred)
        await hours.mark(connection, prepared.minutes, prepared.hours)
        await sla.mark(connection, prepared.minutes)
        await refold_marks.add(connection, writes.marks)
        await side_tables.write(connection, self._group, writes, self._assets)
        return writes

    async def _probe(self, connection: Connection, plan: Plan) -> set[Probe]:
        """Which of the probed events are stored. Assets of un-numbered events are locked against each other first."""
        if plan.locks:
            keys = sorted({hash_of(asset) % _LOCKS for asset in plan.locks})
            await connection.execute(
                "SELECT pg_advisory_xact_lock($1, k) FROM unnest($2::int[]) AS k", _LOCK_SPACE, keys
            )
        found: set[Probe] = set()
        for table in {probe.table for probe in plan.probes}:
            found |= await _find(connection, table, [p for p in plan.probes if p.table == table])
        return found


_PAUSED = """
SELECT topic, partition FROM ingest.partition_pause WHERE consumer_group = $1 AND resumed_at IS NULL
"""


def hash_of(asset: str) -> int:
    """A number of an asset's name that is the same in every process."""
    return int.from_bytes(asset.encode()[-8:], "big") * 2_654_435_761 % 2**31


async def _find(connection: Connection, name: str, probes: Sequence[Probe]) -> set[Probe]:
    times = [_EPOCH + timedelta(microseconds=p.time_us) for p in probes]
    rows = await connection.fetch(
        # The range lets TimescaleDB leave out the chunks that cannot hold any of them.
        f"SELECT DISTINCT v.n FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[])"  # noqa: S608
        f" WITH ORDINALITY AS v(asset, time, source, event_id, n) JOIN {name} r ON r.{RAW_BY_NAME[name].asset} = v.asset"
        " AND r.time = v.time AND r.event_id = v.event_id AND r.source = v.source WHERE r.time BETWEEN $5 AND $6",
        [p.asset for p in probes],
        times,
        [p.source for p in probes],
        [p.event_id for p in probes],
        min(times),
        max(times),
    )
    return {probes[row["n"] - 1] for row in rows}


async def _copy(connection: Connection, name: str, stream: Stream) -> None:
    schema, _, table = name.partition(".")
    await connection.copy_to_table(
        table,
        schema_name=schema,
        columns=stream.columns,
        source=chunks(stream.payload),
        format="binary",
    )


async def _commit(transaction: Any) -> None:
    try:
        await transaction.commit()
    except (*_BROKEN, asyncpg.PostgresConnectionError) as error:
        raise CommitUnknownError from error


async def _roll_back(connection: Connection, transaction: Any) -> None:
    if not connection.is_closed():
        try:
            await transaction.rollback()
        except (*_BROKEN, asyncpg.PostgresError):
            connection.terminate()  # the server rolls back by itself; the first error is the one to report
