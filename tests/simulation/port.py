"""The port: the shore, and behind it two workers with one database."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from connectors.memory import AwayError, Database, MemoryStore, Step, TooSlowError
from connectors.memory.store import takes_everything
from streams.core.domain import Limits
from streams.core.record import TopicPartition
from streams.core.writes import Writes
from streams.lane import Pace
from streams.store import CommitUnknownError
from tests.simulation.clock import SimulatedLoop
from tests.simulation.gateway import Gateway
from tests.simulation.shore import PARTITIONS, PATIENCE, Shore
from tests.support.lanes import NotedRecorder
from tests.support.ledger import problems as ledger_problems
from tests.support.processes import Conditions, Worker
from tests.support.records import CRANES

CONDITIONS: Final = Conditions(Limits(), Pace(batch_rows=6, linger=timedelta(milliseconds=2)), takes_everything)
TAKES: Final[Mapping[Step, int]] = {"begin": 1, "commit": 3, "committed": 1, "positions": 1, "streams": 1}
"""Turns of the loop that the database takes when all is well."""
AWAY: Final[Mapping[Step, Exception]] = {s: AwayError() for s in ("begin", "commit", "positions", "streams")}
AGENT_S: Final = 0.002
FAILURES: Final[tuple[tuple[Step, Exception], ...]] = (
    ("begin", AwayError()),
    ("begin", TooSlowError()),
    ("commit", AwayError()),
    ("commit", CommitUnknownError()),
    ("committed", CommitUnknownError()),
)


class PatientWorker(Worker):
    """Its agent sleeps between two looks: where everybody spins, no time passes."""

    async def _agent(self) -> None:
        while True:
            if self.consumer.fetched:
                await self.lane.offer(self.consumer.fetched.popleft())
            await asyncio.sleep(AGENT_S)


@dataclass
class Parts:
    """What the port is made of: exchanged by mutants (mutants.py)."""

    gateway: type[Gateway] = Gateway
    worker: type[Worker] = PatientWorker
    store: type[MemoryStore] = MemoryStore


@dataclass
class CheckedDatabase(Database):
    """Notes every transaction that moves a fence its owner has lost, or further than its rows."""

    wrong: list[str] = field(default_factory=list)

    def apply(self, writes: Writes) -> None:
        for step in writes.progress:
            line = self.partitions[step.tp]
            if (step.expected, step.epoch) != (line.next_offset, line.epoch):
                self.wrong.append(f"a fenced owner wrote to {step.tp}")
        rows = sum(len(batch) for batch in writes.rows.values())
        if sum(step.accepted for step in writes.progress) != rows:
            self.wrong.append("a transaction moved the offset without its rows")
        super().apply(writes)


class Port(Shore):
    """The whole path."""

    def __init__(self, loop: SimulatedLoop, parts: Parts) -> None:
        super().__init__(loop, parts.gateway)
        self.parts = parts
        self.database = CheckedDatabase()
        self.recorder = NotedRecorder()
        self.is_away = False
        self.workers = [self._worker(f"worker-{n}") for n in range(2)]
        self.does |= {
            "kill_worker": self._kill_worker,
            "hand_over": self._hand_over,
            "cut_delivery": self._cut_delivery,
            "away": self._away,
            "fail_once": self._fail_once,
        }

    async def happen(self, what: str, one: int, other: int) -> None:
        """One thing, and what goes on all the time."""
        if not any(worker.lane.partitions.heads() for worker in self.workers):
            for n, tp in enumerate(PARTITIONS):
                await self._claim(n, tp)
        await super().happen(what, one, other)
        self._fetch(1 + other % 3)

    async def heal(self) -> None:
        """Everything is up again, and one worker has all."""
        self.kafka.mood = "up"
        self.is_away = False
        for worker in self.workers:
            await worker.die()
        self.workers = [self._worker("the last")]
        for tp in PARTITIONS:
            await self._claim(0, tp)
        for _ in range(PATIENCE):
            if self.is_drained():
                return
            self._fetch(5)
            await asyncio.sleep(0.02)
        self.wrong.append(f"not drained: {len(self.disk.rows)} in the spool, {self.database.partitions}")

    async def end(self) -> None:
        """Nothing of it goes on."""
        await super().end()
        for worker in self.workers:
            await worker.die()

    def problems(self) -> Iterator[str]:
        """Everything that is wrong, in words."""
        yield from super().problems()
        yield from self.database.wrong
        yield from (f"a worker ended by itself: {error!r}" for w in self.workers for error in w.crashes)
        yield from ledger_problems(self.database, CRANES.topic)
        stored = {row["event_id"] for rows in self.database.rows.values() for row in rows}
        yield from (f"{name} was acknowledged and is not stored" for name in self.acknowledged if name not in stored)
        yield from (f"{letter.tp} {letter.record.offset}: {letter.refusal}" for letter in self.database.dead_letters)
        yield from (f"{gap} counts as lost" for gap in self.database.lost)
        yield from (f"{line.key} has an open gap {line.gap}" for line in self.database.gaps if not line.is_filled)

    def is_drained(self) -> bool:
        """Also whether every fence is at the end of its log."""
        ends = {tp: log.end for tp, log in self.kafka.logs.items()}
        return super().is_drained() and all(self.database.partitions[tp].next_offset == end for tp, end in ends.items())

    # -- what may happen ----------------------------------------------------------------------------

    async def _kill_worker(self, one: int, _: int) -> None:
        n = one % 2
        mine = list(self.workers[n].lane.partitions.heads())
        await self.workers[n].die()
        self.workers[n] = self._worker(f"worker-{n}")
        for tp in mine:
            await self._claim(n, tp)

    async def _hand_over(self, one: int, other: int) -> None:
        """A rebalance, of which the old owner may not hear: then it goes on with what it has."""
        n, tp = one % 2, PARTITIONS[one // 2 % 2]
        for worker in self.workers:
            if other % 2 or worker is self.workers[n]:
                worker.revoke(tp)
        await self._claim(n, tp)

    async def _claim(self, n: int, tp: TopicPartition) -> None:
        """Not while the database is away: then the process waits, and starts over."""
        if self.is_away:
            await self._away(0, 0)
        await self.workers[n].claim(tp, self.kafka.logs[tp])

    async def _cut_delivery(self, one: int, _: int) -> None:
        """What was fetched last never reaches the lane: a rebalance has overtaken it."""
        fetched = self.workers[one % 2].consumer.fetched
        if fetched:
            fetched.pop()

    async def _away(self, _: int, __: int) -> None:
        self.is_away = not self.is_away
        for worker in self.workers:
            self._set_away(worker)

    async def _fail_once(self, one: int, other: int) -> None:
        step, error = FAILURES[other % len(FAILURES)]
        self.workers[one % 2].script.at(step, error)

    def _fetch(self, most: int) -> None:
        for worker in self.workers:
            for tp in PARTITIONS:
                worker.consumer.fetch(tp, most)

    def _worker(self, name: str) -> Worker:
        worker = self.parts.worker(name, self.kafka.logs, self.database, self.recorder, CONDITIONS, self.parts.store)
        self._set_away(worker)
        return worker

    def _set_away(self, worker: Worker) -> None:
        worker.script.always = dict(AWAY) if self.is_away else {s: partial(self._go_on, n, 0) for s, n in TAKES.items()}
