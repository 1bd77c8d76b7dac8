"""A gateway process: the real keeper and sender over a disk in memory, and a producer that appends to the logs."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, TypeVar

import msgspec

from connectors.edge.broker import Failure, Trouble
from connectors.edge.clock import Clock
from connectors.edge.keeper import Keeper
from connectors.edge.sender import Delivery, Sender
from connectors.edge.spool import Parcel, Row
from streams.core.record import TopicPartition
from tests.simulation.clock import PROCESS, SimulatedLoop
from tests.simulation.disk import Disk, MemorySpool
from tests.support.broker_log import Logs

T = TypeVar("T")
Mood = Literal["up", "silent", "lossy", "down"]
"""`lossy`: what is sent is appended, and the answer never comes; the producer gives up on it."""
DELIVERY = Delivery(catch_up_per_s=2_000.0, live_for=timedelta(seconds=0.2))


@dataclass
class Kafka:
    """The logs, their mood, and the order in which each producer's events came, by lane."""

    logs: Logs
    mood: Mood = "up"
    ids: set[str] = field(default_factory=set)
    order: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    producers: int = 0

    def append(self, producer: int, lane: str, row: Row) -> None:
        """One event arrives; its crane decides its partition."""
        partition = int(row.key[-2:]) % len(self.logs)
        self.logs[TopicPartition(row.topic, partition)].append(row.value)
        self.ids.add(event_id(row))
        self.order.setdefault((producer, lane), []).append(row.position)


def event_id(row: Row) -> str:
    """What the event of a spooled row is called."""
    return str(msgspec.json.decode(row.value)["id"])


class Producer:
    """In the order given, as an idempotent one: what waits behind a row without an answer waits too."""

    def __init__(self, kafka: Kafka, lane_of: Callable[[int], str]) -> None:
        self.delivered: list[int] = []
        self.failed: list[Failure] = []
        self._kafka = kafka
        self._lane_of = lane_of
        self._given: deque[Row] = deque()
        self._is_abandoned = False
        kafka.producers += 1
        self._number = kafka.producers

    def send(self, row: Row) -> bool:
        self._given.append(row)
        return True

    def poll(self) -> None:
        mood = self._kafka.mood
        if self._is_abandoned or mood == "silent":
            return
        while self._given:
            row = self._given.popleft()
            if mood != "down":
                self._kafka.append(self._number, self._lane_of(row.position), row)
            if mood == "up":
                self.delivered.append(row.position)
            else:
                trouble: Trouble = "away"
                self.failed.append(Failure(row.position, row.topic, trouble, "told to"))

    def abandon(self) -> None:
        self._is_abandoned = True
        self._given.clear()


class InlineKeeper(Keeper):
    """Without its thread; between the call and what follows from it there is a moment to die in."""

    async def _in_thread(self, call: Callable[[], T]) -> T:
        await asyncio.sleep(0)
        answer = call()
        await asyncio.sleep(0)
        return answer


class Gateway:
    """Runs from the moment it is made until it is killed."""

    keeper_of: type[Keeper] = InlineKeeper
    producer_of: type[Producer] = Producer

    def __init__(self, loop: SimulatedLoop, kafka: Kafka, disk: Disk) -> None:
        self._loop = loop
        self._kafka = kafka
        token = PROCESS.set(self)
        self.spool: Any = MemorySpool(disk, Clock(loop.time, loop.time))
        self.keeper = self.keeper_of(self.spool)
        self.producers: list[Producer] = []
        self.sender = Sender(self.keeper, DELIVERY, self._connect)
        self.running = asyncio.ensure_future(self.sender.run())
        PROCESS.reset(token)

    async def keep(self, parcel: Parcel) -> list[str]:
        """Offer a parcel; the ids under which the spool has it."""
        return [receipt.id for receipt in await self.keeper.keep(parcel)]

    async def kill(self) -> None:
        """The disk and the broker hear no more of it, whatever its tasks do when they are cancelled."""
        self.spool.cut()
        for producer in self.producers:
            producer.abandon()
        tasks = self._loop.tasks_of(self)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _connect(self, _heard: object) -> Producer:
        self.producers.append(self.producer_of(self._kafka, self._lane_of))
        return self.producers[-1]

    def _lane_of(self, position: int) -> str:
        return self.sender._on_way[position].lane
