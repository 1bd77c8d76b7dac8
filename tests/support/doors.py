"""A door with a real spool behind it and no broker: what a source brought is looked up in the file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from connectors.edge import Bounds, KafkaAccess, Publisher
from connectors.edge.door import REFUSED_TO, Door
from connectors.prometheus import Registry
from schemas.metrics import (
    CONNECTOR_ANSWERS,
    CONNECTOR_DEAD_LETTERS,
    CONNECTOR_ERRORS,
    CONNECTOR_EVENTS,
    CONNECTOR_FILES,
    CONNECTOR_NOTES,
    EDGE,
)
from tests.support.edge import SOURCE, contents, refused

# Nobody listens there: everything stays in the spool.
NOWHERE = KafkaAccess("127.0.0.1:1")


@dataclass
class Opened:
    """The door, and what is behind it."""

    door: Door
    publisher: Publisher
    registry: Registry

    async def kept(self) -> list[dict[str, Any]]:
        """The events in the spool."""
        keeper = self.publisher.keeper
        return await keeper._in_thread(lambda: contents(keeper.spool))

    async def refused(self) -> list[tuple[str, str, bytes, dict[str, str]]]:
        """What is in the spool as it came: topic, key, value, headers."""
        keeper = self.publisher.keeper
        rows = await keeper._in_thread(lambda: refused(keeper.spool))
        return [(row.topic, row.key, row.value, dict(msgspec.json.decode(row.headers or ""))) for row in rows]

    def letters(self) -> float:
        return self.registry.counter(CONNECTOR_DEAD_LETTERS, "test")._value.get()

    def count(self) -> float:
        return self.registry.counter(CONNECTOR_EVENTS, "test")._value.get()

    def answers(self, status: int) -> float:
        return self.registry.counter(CONNECTOR_ANSWERS, "test", str(status))._value.get()

    def noted(self, note: str) -> float:
        return self.registry.counter(CONNECTOR_NOTES, "test", note)._value.get()

    def files(self, outcome: str) -> float:
        return self.registry.counter(CONNECTOR_FILES, "test", outcome)._value.get()

    def errors(self, kind: str) -> float:
        return self.registry.counter(CONNECTOR_ERRORS, "test", kind)._value.get()


@asynccontextmanager
async def a_door(
    folder: Path,
    bounds: Bounds = Bounds(),  # noqa: B008
    refused_to: str = REFUSED_TO,
) -> AsyncIterator[Opened]:
    registry = Registry(EDGE)
    publisher = Publisher(folder / "spool.db", NOWHERE, SOURCE, bounds)
    await publisher.__aenter__()
    try:
        yield Opened(Door("test", publisher, SOURCE, registry, refused_to), publisher, registry)
    finally:
        await publisher.__aexit__(RuntimeError, RuntimeError("do not wait for Kafka"), None)
