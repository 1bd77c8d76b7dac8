"""What the simulation must be able to find: each a mistake somebody could make, and the parts that make it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Final
from unittest.mock import patch

from connectors.edge.event import Receipt
from connectors.edge.lanes import Lanes
from connectors.edge.spool import Answer, Parcel, Row
from connectors.memory import MemoryStore
from streams.core import assemble
from streams.core.batch import Batch
from streams.core.writes import Writes
from streams.partitions import Partitions
from streams.pipeline import Plan
from tests.simulation.clock import SimulatedLoop
from tests.simulation.disk import Disk, MemorySpool
from tests.simulation.gateway import Gateway, InlineKeeper, Kafka, Producer
from tests.simulation.port import Parts, Port


@dataclass(frozen=True)
class Mutant:
    """Parts with a mistake, and what is patched beside them while they play."""

    parts: Parts
    beside: Callable[[], AbstractContextManager[Any]] = nullcontext

    def world(self, loop: SimulatedLoop) -> Port:
        """A port with the mistake."""
        return Port(loop, self.parts)


class OffsetBeforeRows(MemoryStore):
    """Commits the offset, and then the rows: a death in between loses them."""

    async def commit(self, plan: Plan, prepared: Writes | None) -> Writes:
        await self._script("begin")
        async with self._database.lock:
            writes = plan.writes(self._database.find(plan.probes)) if prepared is None else prepared
            self._check(writes)
            only_offsets: dict[str, Any] = {"rows": {}, "rollups": {}, "streams": (), "dead_letters": (), "sources": {}}
            self._database.apply(replace(writes, **only_offsets))
            await self._script("commit")
            self._database.apply(replace(writes, progress=()))
        await self._script("committed")
        return writes


class FenceIgnored(MemoryStore):
    """Never looks whether the partition is still its owner's, or stands where it thinks."""

    def _check(self, writes: Writes) -> None:
        """Everything passes."""


class AnsweredBeforeWritten(InlineKeeper):
    """Says yes to the source before the disk has it."""

    async def keep(self, parcel: Parcel) -> list[Receipt]:
        self._waiting.append((parcel, asyncio.get_running_loop().create_future()))
        self._work.set()
        spool: Any = self.spool
        numbers = dict(spool._disk.numbers)
        return [receipt for _, receipt, _ in (spool._finished(numbers, one) for one in parcel.events)]


class EagerGateway(Gateway):
    keeper_of = AnsweredBeforeWritten


class LetGoWhenSent(Producer):
    """Calls an event delivered when it is handed over."""

    def send(self, row: Row) -> bool:
        self.delivered.append(row.position)
        return super().send(row)


class HastyGateway(Gateway):
    producer_of = LetGoWhenSent


class ForgetfulSpool(MemorySpool):
    """Keeps the numbers it gave in memory only."""

    def _take(self, parcel: Parcel) -> Answer:
        self._disk.numbers = self.__dict__.setdefault("_numbers", {})
        answer = super()._take(parcel)
        self.__dict__["_numbers"] = self._disk.numbers
        return answer


class ForgetfulGateway(Gateway):
    def __init__(self, loop: SimulatedLoop, kafka: Kafka, disk: Disk) -> None:
        with patch("tests.simulation.gateway.MemorySpool", ForgetfulSpool):
            super().__init__(loop, kafka, disk)


@contextmanager
def every_hole_believed() -> Iterator[None]:
    """What was fetched is taken to follow, whatever is missing before it (trap 12)."""
    with patch.object(Partitions, "was_sought", lambda *_: True):
        yield


@contextmanager
def backlog_forgotten() -> Iterator[None]:
    """A new process sends what comes, and never what waited."""

    def live_only(lanes: Lanes) -> None:
        lanes.live_from = lanes.live_next = lanes.backlog_next = lanes.end + 1

    with patch.object(Lanes, "__post_init__", live_only):
        yield


@contextmanager
def sums_of_what_was_offered() -> Iterator[None]:
    """Rollups of all events of a batch, repeats included (trap 38)."""
    real_rows, real_rollups = assemble.rows, assemble.rollups
    offered: dict[str, Any] = {}

    def rows(domain: Any, batch: Batch, accepted: Any) -> Any:
        offered["rows"] = real_rows(domain, batch, batch.is_event())
        return real_rows(domain, batch, accepted)

    def rollups(domain: Any, _: Any) -> Any:
        return real_rollups(domain, offered["rows"])

    with patch.object(assemble, "rows", rows), patch.object(assemble, "rollups", rollups):
        yield


MUTANTS: Final[dict[str, Mutant]] = {
    "the offset is committed before the rows": Mutant(Parts(store=OffsetBeforeRows)),
    "the fence is ignored": Mutant(Parts(store=FenceIgnored)),
    "a source is answered before the disk has it": Mutant(Parts(gateway=EagerGateway)),
    "an event leaves the spool when it is sent": Mutant(Parts(gateway=HastyGateway)),
    "numbers are not kept": Mutant(Parts(gateway=ForgetfulGateway)),
    "every hole is believed": Mutant(Parts(), every_hole_believed),
    "the backlog is forgotten by a kill": Mutant(Parts(), backlog_forgotten),
    "sums are of what was offered": Mutant(Parts(), sums_of_what_was_offered),
}
