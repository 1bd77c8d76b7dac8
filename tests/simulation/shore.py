"""The shore: one gateway, its disk, the broker, and equipment that remembers what it was told is safe.

`happen` does one thing of a schedule; `problems` says what is wrong. Nothing here is random.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

from connectors.edge.spool import Parcel, Row
from tests.simulation.clock import SimulatedLoop
from tests.simulation.disk import Disk
from tests.simulation.gateway import Gateway, Kafka, Mood, event_id
from tests.support.broker_log import Log
from tests.support.edge import offer
from tests.support.records import CRANES, OTHER_CRANES, moment

PARTITIONS: Final = (CRANES, OTHER_CRANES)
PATIENCE: Final = 300
MOODS: Final[tuple[Mood, ...]] = ("up", "silent", "lossy", "down")


class Shore:
    """Everything up to the broker."""

    def __init__(self, loop: SimulatedLoop, gateway: type[Gateway]) -> None:
        self.loop = loop
        self.kafka = Kafka({tp: Log() for tp in PARTITIONS})
        self.disk = Disk(on_let_go=self._let_go)
        self.acknowledged: list[str] = []
        self.wrong: list[str] = []
        self.offers: list[asyncio.Task[None]] = []
        self.offered = 0
        self._gateway_of = gateway
        self.gateway = gateway(loop, self.kafka, self.disk)
        self.does: dict[str, Callable[[int, int], Coroutine[Any, Any, None]]] = {
            "offer": self._offer,
            "go_on": self._go_on,
            "wait": self._wait,
            "mood": self._mood,
            "kill_gateway": self._kill_gateway,
        }

    async def happen(self, what: str, one: int, other: int) -> None:
        """One thing; two small numbers say how."""
        await self.does[what](one, other)

    async def heal(self) -> None:
        """Everything is up again: what was acknowledged must arrive."""
        self.kafka.mood = "up"
        for _ in range(PATIENCE):
            if self.is_drained():
                return
            await asyncio.sleep(0.02)
        self.wrong.append(f"not drained: {len(self.disk.rows)} in the spool")

    async def end(self) -> None:
        """Nothing of it goes on."""
        await self.gateway.kill()

    def problems(self) -> Iterator[str]:
        """Everything that is wrong, in words."""
        yield from self.wrong
        yield from (
            f"{name} was acknowledged and did not arrive" for name in self.acknowledged if name not in self.kafka.ids
        )
        if len(set(self.acknowledged)) != len(self.acknowledged):
            yield "a name was given twice"
        for (producer, lane), positions in self.kafka.order.items():
            if positions != sorted(set(positions)):
                yield f"producer {producer} sent its {lane} events in the order {positions}"

    def is_drained(self) -> bool:
        """Whether nothing waits in the spool or before it."""
        return not self.disk.rows and all(task.done() for task in self.offers)

    # -- what may happen ----------------------------------------------------------------------------

    async def _offer(self, one: int, other: int) -> None:
        """The equipment offers a few readings, and remembers what it was told is safe."""
        events = []
        for _ in range(1 + other % 3):
            self.offered += 1
            crane = f"VNHPH-TANVU-STS{1 + one % 4:02d}"
            events.append(offer(crane, time=moment(100.0 - self.offered / 1_000), data={"load_t": float(self.offered)}))
        self.offers.append(asyncio.ensure_future(self._keep(Parcel(events))))

    async def _keep(self, parcel: Parcel) -> None:
        self.acknowledged += await self.gateway.keep(parcel)

    async def _go_on(self, one: int, _: int) -> None:
        for _ in range(one):
            await asyncio.sleep(0)

    async def _wait(self, one: int, _: int) -> None:
        await asyncio.sleep(one / 100)

    async def _mood(self, one: int, _: int) -> None:
        self.kafka.mood = MOODS[one % len(MOODS)]

    async def _kill_gateway(self, _: int, __: int) -> None:
        await self.gateway.kill()
        for task in self.offers:
            task.cancel()
        await asyncio.gather(*self.offers, return_exceptions=True)
        self.offers.clear()
        self.gateway = self._gateway_of(self.loop, self.kafka, self.disk)

    def _let_go(self, row: Row) -> None:
        if event_id(row) not in self.kafka.ids:
            self.wrong.append(f"{event_id(row)} left the spool before the broker had it")
