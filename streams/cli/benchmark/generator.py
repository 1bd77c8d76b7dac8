"""Puts events into Kafka: a whole run beforehand, or open loop at a fixed rate as a program of its own.

Open loop: event i is due at start + i / rate whatever happens, and its latency counts from that moment,
so that a contestant that stalls pays for everything that should have been sent meanwhile.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from aiokafka import AIOKafkaProducer

from connectors.kafka.options import KafkaAccess, client_options
from connectors.kafka.producer import Publisher
from streams.cli.benchmark.program import read_task, say
from streams.cli.benchmark.workload import TOPIC, Record, Workload, encode

LEAD_S = 0.5
_SHOW_EVERY = 10_000
SCHEDULE = np.dtype([("partition", "i4"), ("offset", "i8"), ("due", "f8"), ("acked", "f8")])
Schedule = npt.NDArray[np.void]


class Source(Protocol):
    """Where records come from: always the same ones."""

    def records(self, count: int) -> Iterator[Record]:
        """The first `count`."""


async def preload(
    access: KafkaAccess, topic: str, workload: Source, count: int, progress: Callable[[int], None]
) -> float:
    """Send the first `count` records with the product's own publisher; returns records per second.

    Those of `crane-events` go to `topic`, all others where they belong.
    """
    started = time.monotonic()
    async with Publisher(access) as publisher:
        for number, record in enumerate(workload.records(count)):
            await publisher.send(topic if record.topic == TOPIC else record.topic, record.key, record.value)
            if number % _SHOW_EVERY == 0:
                progress(number)
        await publisher.flush()
    progress(count)
    return count / (time.monotonic() - started)


def main() -> None:
    """The program: send `seconds` of events at `rate`, then write when each was due, where it landed and since when."""
    task = read_task()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    schedule = asyncio.run(_send_open_loop(task))
    np.save(Path(task["schedule"]), schedule)
    say("sent")


async def _send_open_loop(task: dict[str, Any]) -> Schedule:
    rate, count = task["rate"], round(task["rate"] * task["seconds"])
    schedule = np.zeros(count, SCHEDULE)
    start, wall_us = time.monotonic() + LEAD_S, time.time_ns() // 1_000 + round(LEAD_S * 1e6)
    workload = Workload(task["boot"], wall_us)
    schedule["due"] = start + np.arange(count) / rate
    async with open_producer(KafkaAccess(task["brokers"])) as producer:
        for number in range(count):
            after_s = number / rate
            await _sleep_until(start + after_s)
            sample = workload.sample(number, wall_us + round(after_s * 1e6))
            future = await producer.send(task["topic"], encode(sample), sample.crane.encode())
            future.add_done_callback(partial(_note, schedule, number))
        await producer.flush()
    return schedule


async def _sleep_until(moment: float) -> None:
    left = moment - time.monotonic()
    if left > 0:
        await asyncio.sleep(left)


def _note(schedule: Schedule, number: int, future: "asyncio.Future[Any]") -> None:
    metadata = future.result()
    schedule[number]["acked"] = time.monotonic()
    schedule[number]["partition"], schedule[number]["offset"] = metadata.partition, metadata.offset


@asynccontextmanager
async def open_producer(access: KafkaAccess) -> AsyncIterator[AIOKafkaProducer]:
    """As the product's publisher: idempotent, acknowledged by all replicas, 5 ms linger."""
    producer = AIOKafkaProducer(
        **client_options(access), acks="all", enable_idempotence=True, compression_type="lz4", linger_ms=5
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


if __name__ == "__main__":
    main()
