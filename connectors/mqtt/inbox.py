"""From the client's thread to the event loop: what happened, in order, bounded in bytes."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from connectors.mqtt.troubles import Trouble

# A broker owes at most `in_flight` messages with an acknowledgement, so only others can fill this.
_MOST_BYTES: Final = 16 * 1024 * 1024
# So much becomes one transaction of the spool.
_BATCH_BYTES: Final = 256 * 1024
_BATCH_ITEMS: Final = 500


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """What was published. `number` is the packet identifier, 0 for QoS 0; `received_ms` is epoch time, ours.

    `is_again`: the broker has sent it before. `attributes`: MQTT 5 user properties.
    `acknowledge` may be called from any thread; after the connection has ended it does nothing.
    """

    topic: str
    payload: bytes
    qos: int
    number: int
    received_ms: int
    acknowledge: Callable[[], None]
    is_again: bool = False
    is_retained: bool = False
    content_type: str = ""
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker has taken us; `resumed`: it had kept our session."""

    resumed: bool


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What is published from now on comes to us."""


@dataclass(frozen=True, slots=True)
class Troubled:
    """Something is wrong; the client goes on trying."""

    trouble: Trouble
    detail: str


# An error that nobody foresaw ends the program, from the loop.
Item = Message | Connected | Subscribed | Troubled | Exception


class Inbox:
    """`put` is the thread's side, `take` the loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._room = threading.Condition()
        self._news = asyncio.Event()
        self._closed = False

    def put(self, item: Item) -> None:
        """Waits while there is no room: then the broker has to wait, too."""
        with self._room:
            self._room.wait_for(lambda: self._bytes < _MOST_BYTES or self._closed)
            if self._closed:
                return
            self._items.append(item)
            self._bytes += _size(item)
        self._loop.call_soon_threadsafe(self._news.set)

    async def take(self) -> list[Item]:
        """The next items, at least one."""
        await self._news.wait()
        with self._room:
            batch: list[Item] = []
            size = 0
            while self._items and size < _BATCH_BYTES and len(batch) < _BATCH_ITEMS:
                batch.append(self._items.popleft())
                size += _size(batch[-1])
            self._bytes -= size
            if not self._items:
                self._news.clear()
            self._room.notify_all()
        return batch

    def close(self) -> None:
        """Nothing is taken any more; nobody waits."""
        with self._room:
            self._closed = True
            self._room.notify_all()


def _size(item: Item) -> int:
    return len(item.payload) + len(item.topic) if isinstance(item, Message) else 0
