"""Who watches the board meanwhile: viewers of its stream, one of whom looks for signs that were sent just now.

A sign is a status of a crane that does nothing else. How late it is counts from when it was handed to the broker until
the server-sent event that shows it had arrived.
"""

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self

import aiohttp
import msgspec

from connectors.kafka.options import KafkaAccess
from connectors.kafka.producer import Publisher
from schemas.board import Change

CRANES: Final = 10
EVERY_S: Final = 0.37  # not in step with the board's turn of a second
AWAIT_S: Final = 15.0
_HEADERS: Final = (("content-type", b"application/cloudevents+json"),)
_MOST_BYTES: Final = 16 * 1024 * 1024


@dataclass
class Seen:
    """What arrived: seconds by sign, bytes and events of the stream, and (when, records with an outcome by then)."""

    late_s: list[float] = field(default_factory=list)
    size: int = 0
    events: int = 0
    outcomes: list[tuple[float, int]] = field(default_factory=list)


class Signs:
    """Sent, and not yet seen: by crane the moment it happened and when it was handed over."""

    def __init__(self, boot: str) -> None:
        self._boot = boot
        self._sent: dict[str, tuple[datetime, float]] = {}
        self.lost = 0

    @property
    def waiting(self) -> int:
        return len(self._sent)

    async def send(self, publisher: Publisher, number: int) -> None:
        """The next crane's sign; one of it that was never seen is lost."""
        crane = f"VNHPH-TANVU-SIGN{number % CRANES:02d}"
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self.lost += crane in self._sent
        self._sent[crane] = now, time.monotonic()
        await publisher.send("crane-events", crane.encode(), self._event(crane, now, number), _HEADERS)

    def seen(self, change: Change, at: float) -> list[float]:
        """How late those are that this shows, seconds."""
        late = []
        for crane in (crane for site in change.sites for crane in site.cranes if crane.asset in self._sent):
            happened, sent = self._sent[crane.asset]
            if crane.status_since == happened:
                late.append(at - sent)
                del self._sent[crane.asset]
        return late

    def _event(self, crane: str, at: datetime, number: int) -> bytes:
        event: dict[str, Any] = {
            "specversion": "1.0",
            "type": "io.quaystream.crane.status.v1",
            "source": "/vnhph/tanvu/sign",
            "subject": crane,
            "id": f"{self._boot}-sign-{number}",
            "time": at.isoformat(),
            "data": {"status": ("working", "idle")[number // CRANES % 2]},
        }
        return msgspec.json.encode(event)


async def watch(url: str, seen: Seen, signs: Signs | None) -> None:
    """One viewer, until it is cancelled; with `signs` it reads what it gets."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=timeout, read_bufsize=_MOST_BYTES) as session, session.get(url) as answer:
        async for line in answer.content:
            seen.size += len(line)
            if line.startswith(b"data: {") and signs is not None:
                _read(line, seen, signs)


def _read(line: bytes, seen: Seen, signs: Signs) -> None:
    at = time.monotonic()
    if line.startswith(b"data: {}"):
        return  # trouble: nothing is shown
    change = msgspec.json.decode(line.removeprefix(b"data: "), type=Change)
    seen.events += 1
    seen.late_s += signs.seen(change, at)
    told = change.pipeline
    seen.outcomes.append((at, told.accepted + told.duplicate + told.rejected))


async def follow(brokers: str, signs: Signs, seconds: float) -> None:
    """Send signs for so long, then wait for the last of them."""
    async with Publisher(KafkaAccess(brokers)) as publisher:
        start = time.monotonic()
        for number in range(int(seconds / EVERY_S)):
            await asyncio.sleep(max(0.0, start + number * EVERY_S - time.monotonic()))
            await signs.send(publisher, number)
    until = time.monotonic() + AWAIT_S
    while signs.waiting and time.monotonic() < until:  # noqa: ASYNC110  (viewers take them away)
        await asyncio.sleep(EVERY_S)


class Audience:
    """Viewers while it is entered; the first one looks for `signs`."""

    def __init__(self, url: str, signs: Signs, viewers: int) -> None:
        self.seen = Seen()
        self._watches = [(url, self.seen if n == 0 else Seen(), signs if n == 0 else None) for n in range(viewers)]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for watched in self._watches:
            task = asyncio.create_task(watch(*watched))
            self._stack.push_async_callback(_end, task)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
