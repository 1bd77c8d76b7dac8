"""The forwarder's shell: one task per contract, from the event topics to the agency's own, until told to stop.

Offsets are committed after Kafka has what was read from them: at least once, a repeat under the same id. Every few
seconds the database is asked whether the contract stands; while it does not, or does not answer, nothing is given.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from connectors.kafka.options import KafkaAccess
from connectors.kafka.producer import Publisher
from connectors.sharing.consumer import Place, ShareConsumer
from connectors.sharing.standing import Standing, note_forwarding, standing
from connectors.timescale.connection import connection_to
from schemas.errors import ServiceUnreachableError
from schemas.share import Contract
from streams.core.domain import Limits
from streams.core.record import TopicPartition
from streams.sharing.forward import CONTENT_TYPE, Forwarding

log = structlog.get_logger()

LOOK_S: Final = 5.0
AUDIT_S: Final = 60.0
RETRY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Ground:
    """What every contract's task works with. `is_over` is asked when a contract has caught up."""

    access: KafkaAccess
    dsn: str
    limits: Limits
    stop: asyncio.Event
    until_caught_up: bool
    said: Callable[[str], None]


async def run_all(ground: Ground, contracts: Sequence[Contract]) -> dict[str, int]:
    """Forward until stopped (or caught up); how many records each contract was given."""
    tasks = {contract.name: asyncio.ensure_future(_Run(ground, contract).run()) for contract in contracts}
    try:
        await asyncio.gather(*tasks.values())
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    return {name: task.result() for name, task in tasks.items()}


class _Run:
    def __init__(self, ground: Ground, contract: Contract) -> None:
        self._ground = ground
        self._contract = contract
        self._given = 0
        self._unsaid = 0
        self._looked = self._audited = float("-inf")
        self._standing: Standing | None = None

    async def run(self) -> int:
        ground = self._ground
        while not ground.stop.is_set():
            try:
                await self._look()
                if self._standing is None or self._standing.key is None:
                    if ground.until_caught_up:
                        return self._given
                    await self._wait(RETRY_S)
                    continue
                await self._forward(self._standing.key)
                if ground.until_caught_up:
                    break
            except ServiceUnreachableError as error:
                if ground.until_caught_up:
                    raise
                self._standing, self._looked = None, float("-inf")
                log.warning("sharing waits", contract=self._contract.name, reason=str(error))
                await self._wait(RETRY_S)
        await self._audit(force=True)
        return self._given

    async def _forward(self, key: bytes) -> None:
        """Until stopped, caught up, or the contract stands no more."""
        ground, contract = self._ground, self._contract
        forwarding = Forwarding(contract, key, ground.limits)
        consumer = ShareConsumer(ground.access, f"share-{contract.name}", forwarding.sources)
        async with Publisher(ground.access) as publisher, consumer:
            while not ground.stop.is_set():
                await self._look()
                if self._standing is None or self._standing.key is None:
                    return
                fetched = await consumer.fetch()
                nexts: dict[Place, int] = {}
                for place, records in fetched.items():
                    forwarded = forwarding.forward(TopicPartition(*place), records, datetime.now(UTC))
                    for shared in forwarded.shared:
                        await publisher.send(shared.topic, shared.key, shared.value, (CONTENT_TYPE,))
                    nexts[place] = records[-1].offset + 1 if forwarded.until is None else forwarded.until
                    if forwarded.until is not None:
                        consumer.return_to(place, forwarded.until)
                    self._given += len(forwarded.shared)
                    self._unsaid += len(forwarded.shared)
                await publisher.flush()
                await consumer.commit(nexts)
                await self._audit(force=False)
                if not fetched and ground.until_caught_up and await consumer.is_at_end():
                    return

    async def _look(self) -> None:
        """Ask whether the contract stands, when the last answer is old; say and audit what has changed."""
        if time.monotonic() - self._looked < LOOK_S:
            return
        async with connection_to(self._ground.dsn) as connection:
            found = await standing(connection, self._contract, datetime.now(UTC))
            if self._standing is None or found.verdict != self._standing.verdict:
                await note_forwarding(connection, self._contract, found.verdict, None)
                self._ground.said(f"{self._contract.name}: {found.verdict.reason}")
        self._standing, self._looked = found, time.monotonic()

    async def _audit(self, *, force: bool) -> None:
        """How many were given since the last row of it, once a minute."""
        if not self._unsaid or self._standing is None or not (force or time.monotonic() - self._audited >= AUDIT_S):
            return
        async with connection_to(self._ground.dsn) as connection:
            await note_forwarding(connection, self._contract, self._standing.verdict, self._unsaid)
        self._unsaid, self._audited = 0, time.monotonic()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._ground.stop.wait()
        except TimeoutError:
            return
