"""The peer by hand: what a competent person writes with aiokafka and asyncpg in an afternoon.

At least once, made idempotent by a unique index: a batch is inserted, then its offsets are committed; what comes
again meets ON CONFLICT DO NOTHING. No rollups, no checks, no dead letters.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer

from streams.cli.benchmark.observation import Observation
from streams.cli.benchmark.program import read_task, say
from streams.cli.benchmark.shape import PEERS

BATCH = 5_000
WAIT_MS = 100
FETCH_WAIT_MS = 20
TABLE = f"{PEERS}.crane_sample"
MEASURES = ("hoist_position_m", "hoist_speed_mps", "load_t", "wind_mps", "power_kw")
_TYPES = {
    "time": "timestamptz",
    **dict.fromkeys(("crane_id", "source", "event_id", "bootid"), "text"),
    "sequence": "bigint",
    **dict.fromkeys(MEASURES, "float8"),
}
_ARRAYS = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(_TYPES.values(), 1))
# One index does both: it finds a crane's time, and it makes an event unique (a hypertable wants the time in it).
CREATE = (
    f"CREATE TABLE {TABLE} ({', '.join(f'{name} {kind}' for name, kind in _TYPES.items())})",
    f"SELECT create_hypertable('{TABLE}', by_range('time', INTERVAL '1 day'), create_default_indexes => false)",
    f"CREATE UNIQUE INDEX ON {TABLE} (crane_id, time DESC, source, event_id)",
)
INSERT = (
    f"INSERT INTO {TABLE} ({', '.join(_TYPES)}) "  # noqa: S608  (names from above)
    f"SELECT * FROM unnest({_ARRAYS}) ON CONFLICT DO NOTHING"
)


def main() -> None:
    """The program."""
    asyncio.run(_run(read_task()))


async def _run(task: dict[str, Any]) -> None:
    connection = await asyncpg.connect(task["dsn"])
    for statement in CREATE:
        await connection.execute(statement)
    consumer = AIOKafkaConsumer(
        task["topic"],
        bootstrap_servers=task["brokers"],
        group_id=task["group"],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )
    await consumer.start()
    try:
        await _store_all(consumer, connection)
    finally:
        await consumer.stop()


async def _store_all(consumer: Any, connection: asyncpg.Connection) -> None:
    heads: dict[int, int] = {}
    while not consumer.assignment():
        await consumer.getmany(timeout_ms=WAIT_MS)
    say("ready")
    while True:
        batch = await consumer.getmany(timeout_ms=WAIT_MS, max_records=BATCH)
        records = [record for part in batch.values() for record in part]
        if records:
            await connection.execute(INSERT, *columns(record.value for record in records))
            await consumer.commit()
            heads |= {place.partition: part[-1].offset + 1 for place, part in batch.items() if part}
            say(Observation(time.monotonic(), heads).as_line())


def columns(values: Iterable[bytes]) -> Iterator[list[Any]]:
    """The values of a batch, a list for each column of the table."""
    return (list(column) for column in zip(*map(_row, values), strict=True))


def _row(value: bytes) -> tuple[Any, ...]:
    event = msgspec.json.decode(value)
    data = event["data"]
    return (
        datetime.fromisoformat(event["time"]),
        event["subject"],
        event["source"],
        event["id"],
        event.get("bootid"),
        event.get("sequence"),
        *(data.get(name) for name in MEASURES),
    )


if __name__ == "__main__":
    main()
