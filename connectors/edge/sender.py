"""The sender: takes events from the spool to the broker, in two lanes, and lets go of what the broker has confirmed.

Whatever fails or is in doubt stays in the spool and is sent again under the same id. Live events go
first; the backlog goes at its own pace, with few on their way, so nothing live waits behind it.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

import structlog

from connectors.edge.broker import SENTENCES, Broker, Failure, Trouble
from connectors.edge.errors import DiskFullError
from connectors.edge.keeper import Keeper
from connectors.edge.lanes import LANES, Lane, Lanes, Pace
from connectors.edge.row import Row
from connectors.kafka.options import KafkaAccess
from schemas.errors import ConfigurationError

log = structlog.get_logger()

IDLE_S: Final = 0.05
BUSY_S: Final = 0.005
HOLD_S: Final = 30.0
REPEAT_S: Final = 60.0
RETRY_S: Final = 1.0
_READ_AT_ONCE: Final = 1_000
_LOCKS_OUT: Final[frozenset[Trouble]] = frozenset({"credentials", "certificate"})
_MOST_BYTES: Final = 16 * 1024 * 1024
_MOST: Final[dict[Lane, int]] = {"live": 5_000, "backlog": 1_000}


@dataclass(frozen=True, slots=True)
class Delivery:
    """`catch_up_per_s`: events a second of the backlog. `live_for`: how long an event may wait and still be live.

    `timeout`: how long Kafka may owe an answer before it is asked again, and how long until files with secrets are read
    anew when they are not accepted.
    """

    catch_up_per_s: float = 2_000.0
    live_for: timedelta = timedelta(seconds=2)
    timeout: timedelta = timedelta(seconds=30)


class BrokerDoor(Protocol):
    """What the sender needs of a producer (`broker.Broker`)."""

    delivered: list[int]
    failed: list[Failure]

    def send(self, row: Row) -> bool: ...
    def poll(self) -> None: ...
    def abandon(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _OnItsWay:
    lane: Lane
    row: Row


class Sender:
    """Run `run` as a task. Everything it knows is in the spool; a new one goes on where a killed one was."""

    def __init__(
        self,
        keeper: Keeper,
        delivery: Delivery,
        connect: Callable[[Callable[[Trouble, str], None]], BrokerDoor],
    ) -> None:
        self.delivered: Counter[Lane] = Counter()
        self.troubles: Counter[Trouble] = Counter()
        self.trouble: Trouble | None = None
        self.ticked_s = 0.0
        self._keeper = keeper
        self._delivery = delivery
        self._connect = connect
        self._pace = Pace(delivery.catch_up_per_s)
        self._read: dict[Lane, deque[Row]] = {lane: deque() for lane in LANES}
        self._on_way: dict[int, _OnItsWay] = {}
        self._counts: Counter[Lane] = Counter()
        self._bytes = 0
        self._holds: dict[str, float] = {}
        self._said_s: dict[tuple[Trouble, str], float] = {}
        self._lanes: Lanes | None = None
        self._broker: BrokerDoor | None = None
        self._connected_s = 0.0
        self._is_locked_out = False

    async def run(self) -> None:
        """Until cancelled, or until the spool fails."""
        self._lanes = self._lanes or Lanes(self._keeper.spool.last_position)
        self._broker = self._connect(self._heard)
        try:
            self._connected_s = asyncio.get_running_loop().time()
            while self._keeper.failure is None:
                await self._turn(self._broker, self._lanes)
        finally:
            self._broker.poll()
            self._count_delivered(self._broker)
            self._broker.abandon()

    async def until_empty(self) -> None:
        """Wait until everything in the spool now, and since, is delivered and gone."""
        while True:
            written = self._keeper.next_write()
            if not (await self._keeper.held()).events:
                return
            await written.wait()

    def waiting_age_s(self, lane: Lane) -> float:
        """How long the oldest event that the lane has at hand has waited; 0 when there is none."""
        on_way = next((way.row for way in self._on_way.values() if way.lane == lane), None)
        rows = [row for row in (on_way, next(iter(self._read[lane]), None)) if row is not None]
        now_s = self._keeper.spool.clock.steady_s()
        return max((now_s - row.steady_s for row in rows), default=0.0)

    async def _turn(self, broker: BrokerDoor, lanes: Lanes) -> None:
        self.ticked_s = asyncio.get_running_loop().time()
        self._keeper.arrived.clear()
        end = self._keeper.spool.last_position
        self._end_holds(lanes, end)
        moved = 0
        for lane in LANES:
            await self._fill(lane, lanes, end)
            moved += self._feed(lane, broker)
        self._demote_what_waits(lanes, end)
        broker.poll()
        moved += self._count_delivered(broker)
        if broker.failed:
            await self._recover(broker, lanes)
        elif self._is_locked_out and self.ticked_s > self._connected_s + self._delivery.timeout.total_seconds():
            await self._start_over(broker, lanes, [])
        if not moved:
            await self._rest()

    async def _rest(self) -> None:
        # Not wait_for: on Python 3.11 it swallows a cancellation that comes together with what it waits for.
        with suppress(TimeoutError):
            async with asyncio.timeout(BUSY_S if self._on_way or self._waits() else IDLE_S):
                await self._keeper.arrived.wait()

    def _waits(self) -> bool:
        return any(self._read.values())

    async def _fill(self, lane: Lane, lanes: Lanes, end: int) -> None:
        first, last = lanes.span(lane, end)
        rows = self._read[lane]
        if rows or first > last:
            return
        found = await self._keeper.read(first, last, _READ_AT_ONCE)
        lanes.pass_by(lane, last if len(found) < _READ_AT_ONCE else found[-1].position)
        for row in found:
            if row.position not in self._on_way and not self._keeper.is_let_go(row.position):
                rows.append(row)

    def _feed(self, lane: Lane, broker: BrokerDoor) -> int:
        rows = self._read[lane]
        room = _MOST[lane] - self._counts[lane]
        if lane == "backlog":
            room = min(room, self._pace.allowance(asyncio.get_running_loop().time()))
        sent = 0
        while rows and sent < room and (self._bytes < _MOST_BYTES or not self._on_way):
            if rows[0].topic in self._holds:
                rows.popleft()
                continue
            if not broker.send(rows[0]):
                break
            self._note_sent(lane, rows.popleft())
            sent += 1
        if lane == "backlog":
            self._pace.spend(sent)
        return sent

    def _note_sent(self, lane: Lane, row: Row) -> None:
        self._on_way[row.position] = _OnItsWay(lane, row)
        self._counts[lane] += 1
        self._bytes += len(row.value)

    def _arrived(self, position: int) -> Lane | None:
        """Off its way, one way or the other."""
        way = self._on_way.pop(position, None)
        if way is None:
            return None
        self._counts[way.lane] -= 1
        self._bytes -= len(way.row.value)
        return way.lane

    def _count_delivered(self, broker: BrokerDoor) -> int:
        delivered, broker.delivered = broker.delivered, []
        if not delivered:
            return 0
        for position in delivered:
            lane = self._arrived(position)
            if lane is not None:
                self.delivered[lane] += 1
        self._keeper.let_go(delivered)
        self._is_locked_out = False
        if self.trouble is not None and not self._holds:
            log.warning("kafka_answers_again", was=self.trouble)
            self.trouble = None
            self._said_s.clear()
        return len(delivered)

    def _demote_what_waits(self, lanes: Lanes, end: int) -> None:
        oldest = next(iter(self._read["live"]), None)
        if oldest is None:
            return
        age_s = self._keeper.spool.clock.steady_s() - oldest.steady_s
        if age_s > self._delivery.live_for.total_seconds():
            self._come_back(lanes, [row.position for row in self._read["live"]], end)

    def _come_back(self, lanes: Lanes, positions: list[int], end: int) -> None:
        """To the spool with these and all that was read ahead; all of it is backlog from now on."""
        ahead = [row.position for rows in self._read.values() for row in rows]
        for rows in self._read.values():
            rows.clear()
        lanes.come_back_to([*positions, *ahead], end)

    async def _recover(self, broker: BrokerDoor, lanes: Lanes) -> None:
        failed, broker.failed = broker.failed, []
        for failure in failed:
            self._heard(failure.trouble, failure.detail, failure.topic)
        refused = [failure for failure in failed if failure.trouble == "refused"]
        held = [failure for failure in failed if failure.trouble in {"no_topic", "not_allowed"}]
        for failure in refused:
            self._arrived(failure.position)
            try:
                await self._keeper.set_aside(failure.position, failure.detail)
            except DiskFullError:
                # It waits with its topic until there is room to put it aside.
                held.append(failure)
        for failure in held:
            self._holds[failure.topic] = asyncio.get_running_loop().time() + HOLD_S
            self._arrived(failure.position)
        again = [failure.position for failure in held]
        if any(failure not in refused and failure not in held for failure in failed):
            await self._start_over(broker, lanes, again)
        elif again:
            self._come_back(lanes, again, self._keeper.spool.last_position)

    async def _start_over(self, broker: BrokerDoor, lanes: Lanes, again: list[int]) -> None:
        """A new producer, and everything not confirmed once more, in order: the old one's numbering has a hole now.

        Files with secrets are read anew, so a rotated password is taken up here.
        """
        broker.abandon()
        self._count_delivered(broker)
        doubtful = list(self._on_way)
        for position in doubtful:
            self._arrived(position)
        self._come_back(lanes, [*again, *doubtful], self._keeper.spool.last_position)
        self._broker = await self._connect_anew()
        self._connected_s, self._is_locked_out = asyncio.get_running_loop().time(), False

    async def _connect_anew(self) -> BrokerDoor:
        """Waits while a file with a secret is missing or half written: events are safe, and somebody is at work."""
        while True:
            try:
                return self._connect(self._heard)
            except ConfigurationError as error:
                self._heard("credentials", str(error))
                self.ticked_s = asyncio.get_running_loop().time()
                await asyncio.sleep(RETRY_S)

    def _end_holds(self, lanes: Lanes, end: int) -> None:
        now_s = asyncio.get_running_loop().time()
        over = [topic for topic, until_s in self._holds.items() if until_s <= now_s]
        for topic in over:
            del self._holds[topic]
        if over:
            # What was passed by meanwhile is somewhere before: everything that waits is looked at again.
            self._come_back(lanes, [1], end)

    def _heard(self, trouble: Trouble, detail: str, topic: str = "") -> None:
        self.troubles[trouble] += 1
        self.trouble = trouble
        self._is_locked_out |= trouble in _LOCKS_OUT
        now_s = asyncio.get_running_loop().time()
        key = (trouble, topic)
        if now_s - self._said_s.get(key, -REPEAT_S) >= REPEAT_S:
            self._said_s[key] = now_s
            log.warning("kafka_trouble", trouble=trouble, meaning=SENTENCES[trouble], topic=topic, detail=detail)


def connect_to(access: KafkaAccess, delivery: Delivery) -> Callable[[Callable[[Trouble, str], None]], BrokerDoor]:
    """How a sender gets its producer, and each new one."""
    return lambda heard: Broker(access, delivery.timeout.total_seconds(), heard)
