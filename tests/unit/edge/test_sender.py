"""The sender: what is confirmed leaves, what is not goes again in order, and live events do not wait for old ones."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.edge.broker import Trouble
from connectors.edge.keeper import Keeper
from connectors.edge.sender import Delivery, Sender
from connectors.edge.spool import Parcel, Row, Spool
from schemas.errors import ConfigurationError
from tests.support.edge import CRANE, FakeBroker, offer, parcel

Says = Callable[[Row], Trouble | bool]
FAST = Delivery(catch_up_per_s=1_000_000, live_for=timedelta(seconds=60))


class Rig:
    """A spool, a sender, and the brokers it has made one after another."""

    def __init__(self, folder: Path, says: Says, delivery: Delivery) -> None:
        self.keeper = Keeper(Spool(folder / "spool.db"))
        self.brokers: list[FakeBroker] = []
        self.says = says
        self.sender = Sender(self.keeper, delivery, self._connect)
        self.task = asyncio.ensure_future(self.sender.run())

    def _connect(self, _heard: object) -> FakeBroker:
        self.brokers.append(FakeBroker(self._answer))
        return self.brokers[-1]

    def _answer(self, row: Row) -> Trouble | bool:
        return self.says(row)

    @property
    def arrived(self) -> list[int]:
        return [row.position for broker in self.brokers for row in broker.log]

    async def keep(self, count: int) -> None:
        await self.keeper.keep(parcel(*[CRANE] * count))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                assert not self.task.done(), self.task
                await asyncio.sleep(0.005)

    async def holds(self, events: int) -> None:
        async with asyncio.timeout(10):
            while (await self.keeper.held()).events != events:  # noqa: ASYNC110  (asks the file)
                await asyncio.sleep(0.005)

    async def empty(self) -> None:
        await asyncio.wait_for(self.sender.until_empty(), 10)


@asynccontextmanager
async def rig(folder: Path, says: Says = lambda _: True, delivery: Delivery = FAST) -> AsyncIterator[Rig]:
    made = Rig(folder, says, delivery)
    try:
        yield made
    finally:
        made.task.cancel()
        await asyncio.gather(made.task, return_exceptions=True)
        await made.keeper.close()


async def test_confirmed_events_leave_the_spool(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.keep(3)
        await it.empty()
        assert it.arrived == [1, 2, 3]
        assert it.sender.delivered == {"live": 3}


async def test_unconfirmed_events_stay(tmp_path: Path) -> None:
    async with rig(tmp_path, lambda _: False) as it:
        await it.keep(3)
        await it.until(lambda: it.sender.waiting_age_s("live") > 0.1)
        assert (await it.keeper.held()).events == 3
    spool = Spool(tmp_path / "spool.db")
    assert spool.held().events == 3


async def test_timed_out_events_go_again_in_order_by_a_new_producer(tmp_path: Path) -> None:
    answers: dict[int, Trouble | bool] = {1: True, 2: "away", 3: False}
    async with rig(tmp_path, lambda row: answers.get(row.position, False)) as it:
        await it.keep(3)
        await it.until(lambda: len(it.brokers) > 1)
        answers.update({2: True, 3: True})
        await it.empty()
        assert it.brokers[0].abandoned
        assert it.arrived == [1, 2, 3]
        assert it.sender.troubles["away"] >= 1


async def test_backlog_of_an_earlier_run_does_not_hold_up_what_comes(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    spool.write([parcel(*[CRANE] * 500)])
    spool.close()
    slow = Delivery(catch_up_per_s=100, live_for=timedelta(seconds=60))
    async with rig(tmp_path, delivery=slow) as it:
        await it.keep(1)
        await it.until(lambda: 501 in it.arrived)
        assert it.sender.delivered["backlog"] < 400
        backlog = [position for position in it.arrived if position <= 500]
        assert backlog == sorted(backlog)


async def test_live_events_that_waited_become_backlog(tmp_path: Path) -> None:
    away = True
    delivery = Delivery(catch_up_per_s=50, live_for=timedelta(seconds=0.2))
    async with rig(tmp_path, lambda _: not away, delivery) as it:
        # More than may be on the way at once, so that some wait.
        await it.keep(5_400)
        await it.until(lambda: it.sender._lanes is not None and it.sender._lanes.live_from > 5_400)
        away = False
        await it.keep(1)
        await it.until(lambda: 5_401 in it.arrived)
        assert it.sender.delivered["backlog"] < 400


async def test_missing_topic_holds_up_only_its_own_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.edge.sender.HOLD_S", 0.3)
    missing = True
    async with rig(tmp_path, lambda row: "no_topic" if missing and row.topic == "cell-events" else True) as it:
        cell = offer(type="io.quaystream.cell.radio.v1", data={"rsrp_dbm": -80.0})
        await it.keeper.keep(Parcel([cell, offer(), cell, offer()]))
        await it.until(lambda: it.arrived == [2, 4])
        await it.holds(2)
        missing = False
        await it.empty()
        assert it.arrived == [2, 4, 1, 3]
        assert len(it.brokers) == 1


async def test_topic_held_up_in_the_moment_of_an_outage_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.edge.sender.HOLD_S", 0.2)
    answers: dict[int, Trouble | bool] = {1: "no_topic", 2: "away"}
    async with rig(tmp_path, lambda row: answers[row.position]) as it:
        await it.keeper.keep(Parcel([offer(type="io.quaystream.cell.radio.v1", data={"rsrp_dbm": -80.0}), offer()]))
        await it.until(lambda: len(it.brokers) > 1)
        answers.update({1: True, 2: True})
        await it.empty()
        assert sorted(it.arrived) == [1, 2]


async def test_event_the_broker_never_takes_is_set_aside(tmp_path: Path) -> None:
    async with rig(tmp_path, lambda row: "refused" if row.position == 2 else True) as it:
        await it.keep(3)
        await it.empty()
        assert it.arrived == [1, 3]
        assert await it.keeper.aside() == 1


async def test_a_producer_that_is_not_let_in_is_made_anew_and_what_it_had_is_backlog_in_order(tmp_path: Path) -> None:
    says: list[Trouble | bool] = [False]
    delivery = Delivery(catch_up_per_s=1_000_000, live_for=timedelta(seconds=60), timeout=timedelta(seconds=0.05))
    async with rig(tmp_path, lambda _: says[0], delivery) as it:
        await it.keep(2)
        await it.until(lambda: it.sender.waiting_age_s("live") > 0.1)
        assert len(it.brokers) == 1
        it.sender._heard("credentials", "the password has expired")
        await it.until(lambda: len(it.brokers) == 2)
        says[0] = True
        await it.keep(1)
        await it.empty()
        assert it.brokers[0].abandoned
        assert [position for position in it.arrived if position < 3] == [1, 2]
        assert it.sender.delivered == {"backlog": 2, "live": 1}


async def test_a_producer_that_hears_nothing_is_kept_and_nothing_goes_twice(tmp_path: Path) -> None:
    delivery = Delivery(catch_up_per_s=1_000_000, live_for=timedelta(seconds=60), timeout=timedelta(seconds=0.05))
    async with rig(tmp_path, lambda _: False, delivery) as it:
        await it.keep(2)
        it.sender._heard("away", "no answer")
        await it.until(lambda: it.sender.waiting_age_s("live") > 0.3)
        assert len(it.brokers) == 1
        assert [row.position for row in it.brokers[0].log] == []


async def test_half_written_secret_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.edge.sender.RETRY_S", 0.02)
    broken = False
    async with rig(tmp_path, lambda _: "credentials") as it:
        connect = it.sender._connect

        def refusing(heard: object) -> FakeBroker:
            if broken:
                raise ConfigurationError("cannot use QUAYSTREAM_PASSWORD_FILE (it is empty)")
            return connect(heard)  # type: ignore[arg-type,return-value]

        it.sender._connect = refusing  # type: ignore[assignment]
        await it.until(lambda: len(it.brokers) == 1)
        broken = True
        await it.keep(1)
        await it.until(lambda: it.sender.troubles["credentials"] > 3)
        broken, it.says = False, lambda _: True
        await it.empty()
        assert it.arrived == [1]
