"""History on its way into a lane: at most so many records a second, less while live records wait, never nothing."""

import asyncio
from dataclasses import dataclass, field

import pytest

from streams.buffer import Buffer
from streams.core.record import Stretch, TopicPartition
from streams.history import FLIGHT_SHARE, PIECE_S, SHY_SHARE, SLOW_S, Allowance, History
from tests.support.records import CRANES, crane, sent

OLD = TopicPartition("crane-events-backfill", 0)
OTHER = TopicPartition("crane-events-backfill", 1)
RATE = 1_000


def of(first: int, count: int, tp: TopicPartition = OLD) -> Stretch:
    return Stretch(tp, 0, [sent(offset, crane(f"{tp.topic}-{offset}")) for offset in range(first, first + count)])


@dataclass
class Clock:
    """Seconds, moved by whoever sleeps."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class NotedLane:
    """Notes what it is offered, and when."""

    clock: Clock
    is_behind: bool = False
    is_quiet: bool = False
    flight_s: float = 0.0
    taken: list[tuple[float, int]] = field(default_factory=list)
    yielded_s: float = 0.0
    used_up: list[TopicPartition] = field(default_factory=list)

    async def offer_history(self, stretch: Stretch) -> None:
        await asyncio.sleep(0)
        self.taken.append((self.clock.now, len(stretch.records)))

    def yielded(self, domain: str, seconds: float) -> None:
        assert domain == "crane"
        self.yielded_s += seconds


def crash(error: BaseException) -> None:
    raise error


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock, yield_to_others = Clock(), asyncio.sleep

    async def sleep(seconds: float) -> None:
        clock.now += seconds
        await yield_to_others(0)

    monkeypatch.setattr("streams.history.asyncio.sleep", sleep)
    return clock


async def run(lane: NotedLane, rate: int, *stretches: Stretch) -> None:
    """Until all of it is handed on, or nobody moves any more."""
    history = History("crane", lane, Allowance(rate, lane.clock), lane, lane.used_up.append, crash)  # type: ignore[arg-type]
    running = asyncio.create_task(history.run())
    offers = [asyncio.create_task(history.offer(stretch)) for stretch in stretches]
    async with asyncio.timeout(5):
        for _ in range(500):
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
            if sum(count for _, count in lane.taken) == sum(len(s.records) for s in stretches):
                break
    for task in (running, *offers):
        task.cancel()


async def test_no_more_records_are_handed_on_than_the_rate_allows(clock: Clock) -> None:
    lane = NotedLane(clock)
    await run(lane, RATE, of(0, 1_000))
    assert sum(count for _, count in lane.taken) == 1_000
    assert max(count for _, count in lane.taken) == RATE * PIECE_S
    for moment, _ in lane.taken:
        handed_on = sum(count for at, count in lane.taken if at <= moment)
        assert handed_on <= RATE * (moment - 100.0) + RATE * PIECE_S + 1e-6
    assert lane.taken[-1][0] - 100.0 == pytest.approx(0.9)
    assert lane.yielded_s == 0


async def test_history_gives_way_while_live_records_wait_and_says_so(clock: Clock) -> None:
    lane = NotedLane(clock, is_behind=True)
    await run(lane, RATE, of(0, 300))
    assert [count for _, count in lane.taken] == [100, 100, 100]
    assert lane.taken[-1][0] - 100.0 == pytest.approx(0.2 / SHY_SHARE)
    assert lane.yielded_s == pytest.approx(3 * (0.1 / SHY_SHARE - 0.1))


@pytest.mark.parametrize(("flight_s", "each_s"), [(0.02, 0.1), (0.2, 0.8), (0.5, 5.0)])
async def test_a_slow_database_slows_history_down(clock: Clock, flight_s: float, each_s: float) -> None:
    """A quarter of the time at most; a tenth where one transaction is half of what a live event may wait."""
    assert (FLIGHT_SHARE, SHY_SHARE, SLOW_S) == (0.25, 0.1, 0.25)
    lane = NotedLane(clock, flight_s=flight_s)
    await run(lane, RATE, of(0, 300))
    assert lane.taken[-1][0] - 100.0 == pytest.approx(2 * each_s)
    assert lane.yielded_s == pytest.approx(3 * (each_s - 0.1))


async def test_nobody_is_given_way_to_where_no_live_event_comes(clock: Clock) -> None:
    lane = NotedLane(clock, is_quiet=True, is_behind=True, flight_s=0.5)
    await run(lane, RATE, of(0, 300))
    assert lane.taken[-1][0] - 100.0 == pytest.approx(0.2)
    assert lane.yielded_s == 0


async def test_a_rate_of_nothing_is_a_pause_and_asks_for_no_more(clock: Clock) -> None:
    lane = NotedLane(clock)
    await run(lane, 0, of(0, 10))
    assert (lane.taken, lane.used_up) == ([], [])


async def test_more_of_a_partition_is_asked_for_once_its_stretch_is_handed_on(clock: Clock) -> None:
    lane = NotedLane(clock)
    await run(lane, RATE, of(0, 250), of(0, 50, OTHER))
    assert [count for _, count in lane.taken] == [100, 100, 50, 50]
    assert lane.used_up == [OLD, OTHER]


def test_an_idle_allowance_saves_nothing_up() -> None:
    clock = Clock()
    allowance = Allowance(RATE, clock)
    assert allowance.reserve(0.1) == 0
    clock.now += 60
    assert allowance.reserve(0.1) == 0
    assert allowance.reserve(0.1) == pytest.approx(0.1)


def test_lanes_share_one_allowance() -> None:
    allowance = Allowance(RATE, Clock())
    assert [allowance.reserve(0.25) for _ in range(3)] == pytest.approx([0, 0.25, 0.5])


async def test_live_records_and_history_are_never_in_one_batch() -> None:
    buffer = Buffer(100)
    for stretch in (of(0, 2, CRANES), of(2, 1, CRANES), of(0, 2), of(3, 1, CRANES)):
        await buffer.put(stretch)
    taken = [[stretch.tp.topic for stretch in await buffer.take(50)] for _ in range(4)]
    assert taken == [["crane-events", "crane-events"], ["crane-events-backfill"], ["crane-events"], []]


async def test_one_piece_of_history_waits_in_a_lane_at_a_time() -> None:
    buffer = Buffer(100)
    await buffer.put(of(0, 2))
    waiting = asyncio.create_task(buffer.wait_for_no_history())
    await buffer.take(1)
    await asyncio.sleep(0.01)
    assert not waiting.done()  # the other half of the piece is still held
    await buffer.take(1)
    async with asyncio.timeout(1):
        await waiting


async def test_dropped_history_does_not_hold_the_next_piece_up() -> None:
    buffer = Buffer(100)
    await buffer.put(of(0, 2))
    await buffer.drop([OLD])
    async with asyncio.timeout(1):
        await buffer.wait_for_no_history()
