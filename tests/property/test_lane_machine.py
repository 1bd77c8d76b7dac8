"""Workers, a broker and a database, with everything that can go wrong, at any point: the ledger always adds up.

Rules act between any two steps of the loop: records are produced, fetched and delivered, partitions change hands (also
behind the back of their owner), workers die, the database goes away, refuses a row, or leaves a COMMIT unanswered.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, NoReturn

import pytest
import structlog
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from connectors.memory import AwayError, Database, Step, TooSlowError
from schemas.outcome import Reason
from streams import retry
from streams.core.domain import Limits
from streams.core.record import TopicPartition
from streams.lane import Pace
from streams.store import CommitUnknownError
from tests.support.broker_log import Log, Logs
from tests.support.lanes import NotedRecorder
from tests.support.ledger import PoisonRuns, places, problems
from tests.support.processes import Conditions, Worker
from tests.support.records import CRANES, OTHER_CRANES
from tests.support.soup import GOOD_KINDS, Ingredient, ingredients

TOPIC = CRANES.topic
PARTITIONS = (CRANES, OTHER_CRANES)
LIMITS = Limits(dead_letter_run=4)
PACE = Pace(batch_rows=6, linger=timedelta(0))
REFUSED_NUMBER = 7
"""The database takes no crane sample with this load."""

CONDITIONS = Conditions(LIMITS, PACE, lambda _, row: row.get("load_t") == REFUSED_NUMBER)
WORKERS = st.integers(0, 1)
TPS = st.sampled_from(PARTITIONS)
ITEMS = st.lists(
    ingredients(*GOOD_KINDS, *GOOD_KINDS, "conflicting", "invalid_data", "too_old"), min_size=1, max_size=6
)
TICKS = st.sampled_from([1, 2, 3, 5, 8, 13, 40])
PATIENCE = 400
AWAY: dict[Step, Exception] = dict.fromkeys(("begin", "commit", "positions", "streams"), AwayError())
TAKES: dict[Step, int] = {"begin": 2, "commit": 5, "committed": 1, "positions": 1, "streams": 2}
"""Steps of the loop that the database takes when all is well: a transaction is in flight most of the time."""


class Port(RuleBasedStateMachine):
    """The whole of it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.logs: Logs = {tp: Log() for tp in PARTITIONS}
        self.database = Database()
        self.recorder = NotedRecorder()
        self.produced: dict[tuple[TopicPartition, int], Ingredient] = {}
        self.paused_at: dict[TopicPartition, int] = {}
        self.workers: list[Worker] = []
        self.is_away = False
        self.seen_writes = 0
        self.runs = PoisonRuns()
        self.checked: list[int] = []

    def _worker(self, name: str) -> Worker:
        worker = Worker(name, self.logs, self.database, self.recorder, CONDITIONS)
        self._set_away(worker)
        return worker

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @initialize()
    def start(self) -> None:
        self.run(self._start())

    async def _start(self) -> None:
        self.workers = [self._worker(f"worker-{n}") for n in range(2)]
        for worker, tp in zip(self.workers, PARTITIONS, strict=True):
            await worker.claim(tp, self.logs[tp])

    # -- the broker -------------------------------------------------------------------------------

    def produce(self, tp: TopicPartition, items: list[Ingredient]) -> None:
        for item in items:
            self.produced[tp, self.logs[tp].append(item.value())] = item

    @rule(tp=TPS, kept=st.none() | st.integers(0, 6))
    def leave_holes(self, tp: TopicPartition, kept: int | None) -> None:
        """A transaction ends with a marker, which is no record; retention keeps only the last records."""
        if kept is None:
            self.logs[tp].mark()
        else:
            self.logs[tp].retain_from(self.logs[tp].end - kept)

    @rule(tp=TPS, items=ITEMS, most=st.integers(1, 4), ticks=TICKS)
    def flow(self, tp: TopicPartition, items: list[Ingredient], most: int, ticks: int) -> None:
        """What goes on all the time, in one step."""
        self.produce(tp, items)
        for worker in self.workers:
            for _ in items:
                worker.consumer.fetch(tp, most)
        self.go_on(ticks)

    @rule(tp=TPS, items=ITEMS, ticks=TICKS)
    def flow_on(self, tp: TopicPartition, items: list[Ingredient], ticks: int) -> None:
        """More of the same: what goes on must be more frequent than what goes wrong."""
        self.flow(tp, items, 9, ticks)

    @rule(tp=TPS, items=st.lists(ingredients("invalid_data"), min_size=3, max_size=7), ticks=TICKS)
    def flow_of_poison(self, tp: TopicPartition, items: list[Ingredient], ticks: int) -> None:
        """Often enough to cross the dead-letter bound."""
        self.flow(tp, items, 9, ticks)

    @rule(items=ITEMS, most=st.integers(1, 9), ticks=TICKS)
    def flow_everywhere(self, items: list[Ingredient], most: int, ticks: int) -> None:
        """The same events through both partitions: moved gateways, another partitioner."""
        for tp in PARTITIONS:
            self.flow(tp, items, most, ticks)

    # -- the workers ------------------------------------------------------------------------------

    @rule(n=WORKERS, tp=TPS, most=st.integers(1, 9))
    def fetch(self, n: int, tp: TopicPartition, most: int) -> None:
        self.workers[n].consumer.fetch(tp, most)

    @rule(ticks=TICKS)
    def go_on(self, ticks: int) -> None:
        self.run(self._tick(ticks))

    async def _tick(self, ticks: int) -> None:
        for _ in range(ticks):
            await asyncio.sleep(0)

    @rule(n=WORKERS, tp=TPS)
    def pass_over(self, n: int, tp: TopicPartition) -> None:
        self.run(self.workers[n].pass_over(tp))

    @precondition(lambda self: not self.is_away)
    @rule(n=WORKERS, tp=TPS, how=st.sampled_from(["told", "untold", "dead"]))
    def hand_over(self, n: int, tp: TopicPartition, how: str) -> None:
        """A rebalance, of which the old owner may hear late or never; or a process ends and another takes its place."""
        if how == "dead":
            self.run(self._replace(n))
            return
        for worker in self.workers:
            if how == "told" or worker is self.workers[n]:
                worker.revoke(tp)
        self.run(self._while_running(self.workers[n].claim(tp, self.logs[tp])))

    async def _while_running(self, work: Coroutine[Any, Any, Any]) -> None:
        await asyncio.wait_for(work, 5)

    async def _replace(self, n: int) -> None:
        mine = list(self.workers[n].lane.partitions.heads())
        await self.workers[n].die()
        self.workers[n] = self._worker(f"worker-{n}")
        for tp in mine:
            await self.workers[n].claim(tp, self.logs[tp])

    @rule(n=WORKERS, tp=TPS)
    def revoke(self, n: int, tp: TopicPartition) -> None:
        """A rebalance begins; who is next is not known yet, and what was fetched is still on its way."""
        self.workers[n].revoke(tp)

    @rule(tp=TPS)
    def lift_pause(self, tp: TopicPartition) -> None:
        self.database.lift(tp)
        self.paused_at.pop(tp, None)
        self.runs.forget(tp)
        if not self.is_away:
            for worker in self.workers:
                self.run(worker.resume_lifted())

    # -- the database -----------------------------------------------------------------------------

    @rule()
    def go_away_or_come_back(self) -> None:
        self.is_away = not self.is_away
        for worker in self.workers:
            self._set_away(worker)

    def _set_away(self, worker: Worker) -> None:
        worker.script.always = (
            dict(AWAY) if self.is_away else {step: partial(self._tick, n) for step, n in TAKES.items()}
        )

    @rule(
        n=WORKERS,
        step=st.sampled_from(["begin", "commit", "commit", "committed", "committed"]),
        error=st.sampled_from([AwayError, CommitUnknownError, CommitUnknownError, TooSlowError]),
    )
    def fail_once(self, n: int, step: Any, error: type[Exception]) -> None:
        """Written and not told is only ever an unknown COMMIT; before the COMMIT nothing is unknown."""
        made = {"begin": AwayError if error is CommitUnknownError else error, "committed": CommitUnknownError}
        self.workers[n].script.at(step, made.get(step, error)())

    @rule(n=WORKERS, step=st.sampled_from(["begin", "commit", "committed", "positions", "streams"]), ticks=TICKS)
    def be_slow_once(self, n: int, step: Any, ticks: int) -> None:
        self.workers[n].script.at(step, lambda: self._tick(ticks))

    # -- what must always hold --------------------------------------------------------------------

    @invariant()
    def ledger_adds_up(self) -> None:
        stand = [line.next_offset for line in self.database.partitions.values()]
        if stand != self.checked:
            assert list(problems(self.database, TOPIC)) == []
            self.checked = stand

    @invariant()
    def no_record_that_is_there_counts_as_lost(self) -> None:
        for gap in self.database.lost:
            assert not [o for o in range(gap.start, gap.end) if o in self.logs[gap.tp].records]

    @invariant()
    def paused_partition_stands_still(self) -> None:
        for tp in self.database.paused():
            head = self.database.partitions[tp].next_offset
            assert self.paused_at.setdefault(tp, head) == head

    @invariant()
    def no_more_poison_in_a_row_is_taken_than_allowed(self) -> None:
        for writes in self.recorder.writes[self.seen_writes :]:
            assert self.runs.longest(writes) <= LIMITS.dead_letter_run
        self.seen_writes = len(self.recorder.writes)

    @invariant()
    def no_worker_ends_by_itself(self) -> None:
        assert [error for worker in self.workers for error in worker.crashes] == []

    # -- the end: everything heals, and what was produced is there ---------------------------------

    def teardown(self) -> None:
        try:
            if self.workers:
                self.run(self._heal())
                self._settle()
                self.ledger_adds_up()
                self.no_record_that_is_there_counts_as_lost()
                self.everything_produced_is_stored()
        finally:
            for worker in self.workers:
                self.run(worker.die())
            self.loop.close()

    async def _heal(self) -> None:
        self.is_away = False
        for worker in self.workers:
            await worker.die()
        self.workers = [self._worker("the last")]
        for tp in PARTITIONS:
            await self.workers[0].claim(tp, self.logs[tp])

    def _settle(self) -> None:
        for _ in range(PATIENCE):
            if all(self.database.partitions[tp].next_offset == self.logs[tp].end for tp in PARTITIONS):
                return
            for tp in PARTITIONS:
                self.lift_pause(tp)
                self.fetch(0, tp, 5)
                self.pass_over(0, tp)
            self.go_on(13)
        raise AssertionError(f"not caught up: {self.database.partitions}, the logs end at {self.logs}")

    def everything_produced_is_stored(self) -> None:
        """Every event whose record was read is stored, but for what had to be refused; duplicates are the rest."""
        lost = {(gap.tp, offset) for gap in self.database.lost for offset in range(gap.start, gap.end)}
        refused = {(letter.tp, letter.record.offset): letter.refusal.reason for letter in self.database.dead_letters}
        stored = {row["event_id"] for rows in self.database.rows.values() for row in rows}
        for place, item in self.produced.items():
            if place in lost:
                continue
            if place in refused:
                assert refused[place] in expected_reasons(item), (item, refused[place])
            else:
                assert item.event_id in stored, item
        assert not (self.produced.keys() - places(self.database, TOPIC).keys()) - self._duplicates(stored)

    def _duplicates(self, stored: set[str]) -> set[tuple[TopicPartition, int]]:
        return {place for place, item in self.produced.items() if item.event_id in stored}


def expected_reasons(item: Ingredient) -> set[Reason]:
    """Why a record may have been refused."""
    refused = {Reason.STORAGE_REFUSED} if item.number == REFUSED_NUMBER and item.kind != "late" else set()
    if item.kind in ("numbered", "conflicting"):
        return {Reason.SEQUENCE_CONFLICT, *refused}
    return {Reason(item.kind)} if item.kind in ("invalid_data", "too_old") else refused


@contextmanager
def _quiet() -> Iterator[None]:
    structlog.configure(processors=[_drop])
    yield
    structlog.reset_defaults()


def _drop(*_: object) -> NoReturn:
    raise structlog.DropEvent


def test_ledger_adds_up_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_S", 0.0)
    examples = settings(max_examples=settings().max_examples, stateful_step_count=40)
    with _quiet():
        run_state_machine_as_test(Port, settings=examples)
