"""The peer: a Faust agent as its documentation shows it, storing the same rows at least once, in batches.

What people write: JSON values, `async for`, a batch collected and inserted by `executemany`, a timer for
the last one, each event acknowledged after its batch is committed. No rollups, no de-duplication, no checks.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from datetime import datetime
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import faust

from schemas.events.crane import CraneSample
from schemas.tables import RAW_BY_TYPE
from streams.cli.benchmark.observation import Observation
from streams.cli.benchmark.program import read_task, say

BATCH = 1_000
FLUSH_S = 0.1
TABLE = RAW_BY_TYPE[CraneSample.TYPE]
FIELDS = tuple(CraneSample.model_fields)
INSERT = (
    f"INSERT INTO {TABLE.name} ({', '.join(TABLE.column_names)}) "  # noqa: S608  (names come from schemas/tables.py)
    f"VALUES ({', '.join(f'${i}' for i in range(1, len(TABLE.columns) + 1))})"
)


def main() -> None:
    """The program."""
    with TemporaryDirectory(prefix="stock-faust-") as folder:
        app = build_app(read_task(), folder)
        # Its own stdout is for what the benchmark reads; Faust writes terminal codes to the one it is given.
        worker = faust.Worker(app, loglevel="warning", quiet=True, redirect_stdouts=False, stdout=sys.stderr)
        worker.execute_from_commandline()


def build_app(task: dict[str, Any], folder: str) -> Any:
    """One agent on the topic, one timer for batches that do not fill up; Faust's own files go to `folder`."""
    app = faust.App(
        task["group"],
        broker=f"kafka://{task['brokers']}",
        value_serializer="json",
        store="memory://",
        datadir=folder,
        web_enabled=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
    )
    batch = Batch(task["dsn"])

    async def store(events: Any) -> None:
        async for event in events.noack().events():
            await batch.add(event)

    app.agent(app.topic(task["topic"]))(store)
    app.timer(FLUSH_S / 2)(batch.flush_old)
    app.on_partitions_assigned.connect(_say_ready)
    return app


async def _say_ready(app: Any, partitions: Any, **_: Any) -> None:
    app.on_partitions_assigned.disconnect(_say_ready)
    if partitions:
        say("ready")


class Batch:
    """Events collected until there are `BATCH` of them or the timer comes."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: asyncpg.Pool | None = None
        self._events: list[Any] = []
        self._since = time.monotonic()
        self._heads: Counter[int] = Counter()
        self._alone = asyncio.Lock()

    async def add(self, event: Any) -> None:
        """Take an event; inserts when the batch is full."""
        if not self._events:
            self._since = time.monotonic()
        self._events.append(event)
        if len(self._events) >= BATCH:
            await self.flush()

    async def flush_old(self) -> None:
        """Insert a batch that has waited for `FLUSH_S`."""
        if time.monotonic() - self._since >= FLUSH_S:
            await self.flush()

    async def flush(self) -> None:
        """Insert what there is, then acknowledge it."""
        async with self._alone:
            events, self._events = self._events, []
            if not events:
                return
            await (await self._connected()).executemany(INSERT, [_row(event) for event in events])
            for event in events:
                event.ack()
                self._heads[event.message.partition] = event.message.offset + 1
            say(Observation(time.monotonic(), self._heads).as_line())

    async def _connected(self) -> asyncpg.Pool:
        if self._pool is None:
            self._pool = await asyncpg.create_pool(self._dsn, min_size=1, max_size=2)
        return self._pool


def _row(event: Any) -> tuple[Any, ...]:
    value, data, message = event.value, event.value["data"], event.message
    return (
        datetime.fromisoformat(value["time"]),
        value["subject"],
        value["subject"].rpartition("-")[0],
        value["source"],
        value["id"],
        value.get("bootid"),
        value.get("sequence"),
        message.partition,
        message.offset,
        *(data.get(name) for name in FIELDS),
        json.dumps(value["extra"]) if "extra" in value else None,
    )


if __name__ == "__main__":
    main()
