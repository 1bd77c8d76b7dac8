"""A worker process without its process: a lane, its consumer, the agent between them, and its view of the database."""

import asyncio
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from connectors.memory import Database, MemoryStore, Script
from streams.core.domain import Limits
from streams.core.record import TopicPartition
from streams.facts.marks import Memory
from streams.flow import Recorder
from streams.lane import Lane, Pace
from streams.pipeline import Fence, Pipeline
from tests.support.broker_log import Log, LogConsumer, Logs
from tests.support.judging import pipeline
from tests.support.lanes import CrashedError

AGENT_TICKS = 4


@dataclass(frozen=True)
class Conditions:
    """What all workers of a test have in common."""

    limits: Limits
    pace: Pace
    refuses: Callable[[str, Mapping[str, Any]], bool]


@cache
def _decoding(limits: Limits) -> Pipeline:
    return pipeline("crane", limits)


def _pipeline(limits: Limits) -> Pipeline:
    """A process's own: it remembers nothing, but its decoders are made once for all of them."""
    made = copy(_decoding(limits))
    made._memory = Memory()
    return made


class Worker:
    """Runs from the moment it is made until it dies; has to be made inside a running loop or with one set."""

    def __init__(
        self,
        name: str,
        logs: Logs,
        database: Database,
        recorder: Recorder,
        conditions: Conditions,
        store: type[MemoryStore] = MemoryStore,
    ) -> None:
        self.consumer = LogConsumer(logs)
        self.script = Script()
        self.store = store(database, name, self.script, conditions.refuses)
        self.crashes: list[BaseException] = []
        self.lane = Lane(
            _pipeline(conditions.limits), self.store, self.consumer, recorder, conditions.pace, self._crash
        )
        self._tasks = [asyncio.ensure_future(self.lane.run()), asyncio.ensure_future(self._agent())]

    async def claim(self, tp: TopicPartition, log: Log) -> None:
        """Take a partition over, as ownership does."""
        ((_, position),) = (await self.store.claim({tp: log.start})).items()
        paused = await self.store.paused([tp])
        self.consumer.assign(tp, position.next_offset)
        self.lane.claim({tp: Fence(position.next_offset, position.epoch)}, paused)

    def revoke(self, tp: TopicPartition) -> None:
        self.consumer.revoke(tp)
        self.lane.revoke([tp])

    async def resume_lifted(self) -> None:
        """As ownership does on its timer."""
        held = sorted(self.lane.partitions.paused)
        still = await self.store.paused(held)
        for tp in held:
            if tp not in still:
                await self.lane.resume(tp)

    async def pass_over(self, tp: TopicPartition) -> None:
        """As the transport and ownership do when a partition has lag and nothing comes."""
        head = self.lane.partitions.heads().get(tp)
        serial = self.consumer.serial
        if head is not None and self.lane.is_idle and self.consumer.is_empty_beyond(tp, head):
            await self.lane.pass_over(tp, self.consumer.positions[tp], serial)

    async def die(self) -> None:
        """End wherever it is."""
        flight = self.lane._flight
        tasks = [*self._tasks, *([] if flight is None else [flight])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _agent(self) -> None:
        """Slower than the lane, so that something is on its way most of the time."""
        while True:
            if self.consumer.fetched:
                await self.lane.offer(self.consumer.fetched.popleft())
            for _ in range(AGENT_TICKS):
                await asyncio.sleep(0)

    def _crash(self, error: BaseException) -> NoReturn:
        self.crashes.append(error)
        raise CrashedError(repr(error))
