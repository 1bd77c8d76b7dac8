"""`python -m streams.cli.benchmark.pm_store FILE --database URL`: a PM file decoded, judged and stored, without a broker.

For a scratch database that `quaystream migrate` has just made, and its owner: rows stay in it. The next batch is
prepared in a thread while one commits, as the worker's lane does it. The file is stored twice and the second time counts:
a worker has been up for days. Says the time of each stage beside that of a bare COPY of the same rows, which is the limit
of any way to store them, and what adding up the minutes took afterwards.
"""

import argparse
import asyncio
import itertools
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from connectors.network.files import NetworkFile
from connectors.network.subjects import Subjects
from connectors.timescale.copy import chunks
from connectors.timescale.pool import Pool, open_pool
from connectors.timescale.store import Prepared, TimescaleStore
from streams.core.domain import Limits
from streams.core.record import Headers, Stretch, TopicPartition
from streams.core.sequence import StreamState
from streams.domains import DOMAINS
from streams.pipeline import Fence, Pipeline, Plan

_PARTITION: Final = TopicPartition("cell-events", 0)
_BATCH: Final = 50
_TABLE: Final = "port.cell_measurement"


class Message(NamedTuple):
    """A record as a broker hands it out."""

    offset: int
    value: bytes | None
    key: bytes | None
    headers: Headers
    timestamp: int


class Course:
    """Batches of one file, each after the other; `seconds` by stage."""

    def __init__(self, file: Path, store: TimescaleStore, epoch: int, first: int) -> None:
        (domain,) = [domain for domain in DOMAINS if domain.name == "cell"]
        self._pipeline = Pipeline(domain, Limits(max_age=timedelta(days=36_500)))
        self._file = file
        self._store = store
        self._epoch = epoch
        self._next = first
        self._states: dict[Any, StreamState] = {}
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.values = 0

    def batches(self) -> Iterator[list[Message]]:
        """The records of the file, as a broker would hand them out now."""
        now = int(time.time() * 1000)
        # Shifted by less than a second, so that every run is another one to the de-duplication.
        shift = timedelta(microseconds=time.time_ns() // 1_000 % 1_000_000)
        records = NetworkFile(self._file, "pm-xml", Subjects())(shift)
        while True:
            started = time.perf_counter()
            some = list(itertools.islice(records, _BATCH))
            self.seconds["decode"] += time.perf_counter() - started
            if not some:
                return
            yield [Message(self._next + i, r.value, r.key, r.headers, now) for i, r in enumerate(some)]
            self._next += len(some)

    def prepare(self, records: list[Message]) -> tuple[Plan, Prepared]:
        """Judge and encode."""
        started = time.perf_counter()
        batch = self._pipeline.read([Stretch(_PARTITION, 0, records)], {})
        states = {key: self._states.get(key, StreamState()) for key in self._pipeline.streams(batch)}
        plan = self._pipeline.plan(batch, states, {_PARTITION: Fence(records[0].offset, self._epoch)})
        self._states |= {change.key: change.after for change in plan.changes}
        prepared = self._store.prepare(plan.writes(()))
        self.seconds["judge, encode"] += time.perf_counter() - started
        self.values += prepared.writes.rows[_TABLE].num_rows
        return plan, prepared

    async def run(self) -> list[Prepared]:
        """Store everything; what was stored."""
        stored = []
        batches = self.batches()
        ahead = await asyncio.to_thread(lambda: self._one(batches))
        while ahead is not None:
            following = asyncio.create_task(asyncio.to_thread(lambda: self._one(batches)))
            started = time.perf_counter()
            await self._store.commit(*ahead)
            self.seconds["commit"] += time.perf_counter() - started
            stored.append(ahead[1])
            ahead = await following
        return stored

    def _one(self, batches: Iterator[list[Message]]) -> tuple[Plan, Prepared] | None:
        records = next(batches, None)
        return None if records is None else self.prepare(records)


async def measure(file: Path, database: str) -> None:
    """Store the file, copy the same rows bare into a table without index, add up the minutes, and print all of it."""
    pool = await open_pool(database, 2)
    store = TimescaleStore(pool, "pm-bench", "pm-bench")
    for is_counted in (False, True):
        position = (await store.claim({_PARTITION: 0}))[_PARTITION]
        course = Course(file, store, position.epoch, position.next_offset)
        started = time.perf_counter()
        stored = await course.run()
        if is_counted:
            _say("decoded and stored", course.values, time.perf_counter() - started)
            for stage, seconds in course.seconds.items():
                _say(f"  {stage}", course.values, seconds)
            _say("the limit: bare COPY of the same rows", course.values, await _bare(pool, stored))
        started, added = time.perf_counter(), 0
        while deltas := await store.add_minutes():
            added += deltas
        if is_counted and added:
            _say("minutes, afterwards", added, time.perf_counter() - started)
    await pool.close()


async def _bare(pool: Pool, stored: list[Prepared]) -> float:
    async with pool.acquire() as connection:
        await connection.execute(f"CREATE TEMP TABLE bare (LIKE {_TABLE})")
        started = time.perf_counter()
        for prepared in stored:
            stream = prepared.streams[_TABLE]
            source = chunks(stream.payload)
            await connection.copy_to_table("bare", columns=stream.columns, source=source, format="binary")
        return time.perf_counter() - started


def _say(what: str, values: int, seconds: float) -> None:
    sys.stdout.write(f"{what}: {values:,} values in {seconds:.2f} s, {values / seconds:,.0f}/s\n")


def main() -> int:
    """Measure one file."""
    parser = argparse.ArgumentParser(prog="python -m streams.cli.benchmark.pm_store", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--database", required=True, help="URL of a scratch database, as its owner")
    given = parser.parse_args()
    asyncio.run(measure(given.file, given.database))
    return 0


if __name__ == "__main__":
    sys.exit(main())
