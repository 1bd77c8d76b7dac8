"""The limit: bare binary COPY of the same rows into the same hypertable. No Kafka, no decoding, nothing else.

The rows are encoded before the clock starts; each chunk is one COPY and one commit, as large as the worker's.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

import asyncpg
import pyarrow as pa

from connectors.timescale.copy import Stream, chunks, encode
from schemas.events.crane import CraneSample
from schemas.identifiers import site_of
from schemas.tables import RAW_BY_TYPE
from streams.cli.benchmark.observation import Observation
from streams.cli.benchmark.program import read_task, say
from streams.cli.benchmark.workload import Sample, Workload
from streams.core.columns import schema_of

CHUNK_ROWS = 20_000
LEAST_COMMITS = 10
TABLE = RAW_BY_TYPE[CraneSample.TYPE]


def main() -> None:
    """The program."""
    asyncio.run(_copy(read_task()))


async def _copy(task: dict[str, Any]) -> None:
    streams = list(_encoded(Workload(**task["workload"]), task["events"]))
    schema, _, table = TABLE.name.partition(".")
    connection = await asyncpg.connect(task["dsn"])
    say("ready")
    rows = 0
    for count, stream in streams:
        await connection.copy_to_table(
            table, schema_name=schema, columns=stream.columns, source=chunks(stream.payload), format="binary"
        )
        rows += count
        say(Observation(time.monotonic(), {0: rows}).as_line())
    await asyncio.Event().wait()  # until it is stopped, so that its memory can be read


def _encoded(workload: Workload, events: int) -> Iterator[tuple[int, Stream]]:
    samples = workload.samples(events)
    size = min(CHUNK_ROWS, max(1, events // LEAST_COMMITS))
    start = 0
    while chunk := list(islice(samples, size)):
        yield len(chunk), encode(TABLE, _rows(chunk, start))
        start += len(chunk)


def _rows(samples: list[Sample], start: int) -> pa.RecordBatch:
    rows = [
        {
            **asdict(sample),
            "time": sample.time_us,
            "crane_id": sample.crane,
            "site": site_of(sample.crane),
            "partition": 0,
            "record_offset": start + index,
        }
        for index, sample in enumerate(samples)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=schema_of(TABLE))


if __name__ == "__main__":
    main()
