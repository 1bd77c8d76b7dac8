"""Dead letters on their way to Kafka: the outbox loop to `<topic>-dead-letters`, and the replay to their own topics.

The table is the truth. A letter is sent, acknowledged, then marked, in one database transaction: after a
crash in between it is sent again, so both are at least once.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import asyncpg

from connectors.kafka.producer import RecordTooLargeError
from connectors.timescale import dead_letters
from connectors.timescale.dead_letters import DeadLetter, Place, Which
from schemas.backfill import live_topic
from schemas.topics import DEAD_LETTERS_SUFFIX

BATCH_ROWS: Final = 500

Headers = Sequence[tuple[str, bytes | None]]


class Sender(Protocol):
    """The part of a `Publisher` that is needed here."""

    async def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None: ...
    async def flush(self) -> None: ...


class DeadLetterRelay:
    """Copies dead letters that are only in the table to their topics; several may run at once."""

    def __init__(self, pool: asyncpg.Pool, publisher: Sender) -> None:
        self._pool = pool
        self._publisher = publisher

    async def run_once(self) -> int:
        """Relay one batch; returns how many letters that were (0: nothing is waiting).

        Raises the publisher's and the driver's errors; what was not marked is sent again next time.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            letters = await dead_letters.claim_unrelayed(connection, BATCH_ROWS)
            if letters:
                await self._send(letters)
                await dead_letters.mark_relayed(connection, [letter.place for letter in letters])
        return len(letters)

    async def _send(self, letters: Sequence[DeadLetter]) -> None:
        try:
            for letter in letters:
                await self._publisher.send(_topic(letter), letter.key, letter.value, relay_headers(letter))
            await self._publisher.flush()
        except RecordTooLargeError:
            # One of them; the others must not wait behind it for ever.
            for letter in letters:
                await self._send_alone(letter)

    async def _send_alone(self, letter: DeadLetter) -> None:
        try:
            await self._publisher.send(_topic(letter), letter.key, letter.value, relay_headers(letter))
            await self._publisher.flush()
        except RecordTooLargeError:
            headers = (*relay_headers(letter), ("qs-omitted", b"value"))
            await self._publisher.send(_topic(letter), letter.key, None, headers)
            await self._publisher.flush()


async def replay_batch(
    connection: asyncpg.Connection, publisher: Sender, which: Which, after: Place | None
) -> Sequence[Place]:
    """Send the next letters of `which`, after `after`, back to their topics byte for byte; returns their places."""
    async with connection.transaction():
        letters = await dead_letters.claim_unreplayed(connection, which, after, BATCH_ROWS)
        if letters:
            await _replay(connection, publisher, letters)
    return [letter.place for letter in letters]


async def replay_one(connection: asyncpg.Connection, publisher: Sender, letter: DeadLetter) -> None:
    """Send one letter back to its topic, also when it was replayed before."""
    async with connection.transaction():
        await _replay(connection, publisher, [letter])


async def _replay(connection: asyncpg.Connection, publisher: Sender, letters: Sequence[DeadLetter]) -> None:
    for letter in letters:
        await publisher.send(letter.place.topic, letter.key, letter.value, replay_headers(letter))
    await publisher.flush()
    await dead_letters.mark_replayed(connection, [letter.place for letter in letters])


def relay_headers(letter: DeadLetter) -> Headers:
    """The original headers, then why and where from."""
    place = letter.place
    return (
        *letter.headers,
        ("qs-reason", letter.reason.encode()),
        ("qs-topic", place.topic.encode()),
        ("qs-partition", str(place.partition).encode()),
        ("qs-offset", str(place.offset).encode()),
        ("qs-detail", (letter.detail or "").encode()),
    )


def replay_headers(letter: DeadLetter) -> Headers:
    """The original headers, then which dead letter this is."""
    return (*letter.headers, ("qs-replay-of", str(letter.place).encode()))


def _topic(letter: DeadLetter) -> str:
    return live_topic(letter.place.topic) + DEAD_LETTERS_SUFFIX
