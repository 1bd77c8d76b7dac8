"""The gateway program: sources, one spool, one sender; runs until it is told to stop, or every source has ended."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import structlog

from connectors.edge.config import Config
from connectors.edge.door import Door
from connectors.edge.gauges import Gauges
from connectors.edge.publisher import Publisher
from connectors.kafka.options import KafkaAccess

log = structlog.get_logger()

LOOK_S: Final = 1.0
STUCK_S: Final = 60.0
_STARTING: Final = "starting"


class Gateway:
    """`run` once. `metrics`, `alive` and `ready` are what its web pages say."""

    def __init__(self, config: Config, access: KafkaAccess) -> None:
        self._config = config
        self._access = access
        self._gauges = Gauges()
        self._publisher: Publisher | None = None
        self._problem: str | None = _STARTING

    async def run(self, stop: asyncio.Event) -> None:
        """Raises ConfigurationError, SpoolFailedError, or whatever nobody foresaw."""
        config = self._config
        publisher = Publisher(
            config.spool.path,
            self._access,
            config.source,
            config.spool.bounds(),
            config.delivery.delivery(),
            self._gauges.committed,
        )
        async with publisher:
            self._publisher = publisher
            await self._look(publisher)
            await self._supervise(publisher, stop)

    def metrics(self) -> bytes:
        """The exposition."""
        return self._gauges.registry.text()

    def delivered(self) -> int:
        """Events that the broker has confirmed since the start."""
        return 0 if self._publisher is None else self._publisher.sender.delivered.total()

    def alive(self) -> str | None:
        """None when delivery makes turns, whether or not Kafka answers; else what is wrong."""
        if self._publisher is None:
            return None
        idle_s = asyncio.get_running_loop().time() - self._publisher.sender.ticked_s
        return f"delivery has made no turn for {idle_s:.0f} s" if idle_s > STUCK_S else None

    def ready(self) -> str | None:
        """None when the spool takes events, whether or not Kafka answers; else why not."""
        return self._problem

    async def _supervise(self, publisher: Publisher, stop: asyncio.Event) -> None:
        sources = [asyncio.ensure_future(self._run(settings, publisher)) for settings in self._config.sources]
        others = [asyncio.ensure_future(self._watch(publisher)), asyncio.ensure_future(stop.wait())]
        running: set[asyncio.Future[Any]] = {*sources, *others, publisher.sending}
        try:
            while not stop.is_set() and not all(source.done() for source in sources):
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                _raise_first(done)
                if publisher.keeper.failure is not None:
                    raise publisher.keeper.failure
        finally:
            for task in (*sources, *others):
                task.cancel()
            await asyncio.gather(*sources, *others, return_exceptions=True)

    async def _run(self, settings: Any, publisher: Publisher) -> None:
        door = Door(settings.name, publisher, self._config.source, self._gauges.registry, settings.refused_to)
        await settings.source().run(door)

    async def _watch(self, publisher: Publisher) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._look(publisher)

    async def _look(self, publisher: Publisher) -> None:
        keeper = publisher.keeper
        held, aside = await keeper.held(), await keeper.aside()
        self._gauges.look(publisher, held, aside)
        full = self._full(held.bytes, held.oldest_age_s)
        self._notice(full if keeper.spool.has_reserve else "the disk under the spool is full")
        step_s = keeper.spool.clock.step_s()
        if step_s:
            self._gauges.clock_stepped()
            log.warning("clock_stepped", by_s=round(step_s, 3), meaning="recordedtime jumps; ages and order do not")

    def _notice(self, problem: str | None) -> None:
        """Say it when the spool takes nothing more, and when it does again."""
        if problem is not None and self._problem in {None, _STARTING}:
            log.warning(
                "spool_takes_nothing", reason=problem, meaning="sources are told to come back; delivery goes on"
            )
        elif problem is None and self._problem not in {None, _STARTING}:
            log.warning("spool_takes_again")
        self._problem = problem

    def _full(self, held_bytes: int, age_s: float) -> str | None:
        spool = self._config.spool
        if spool.when_full == "drop_oldest":
            return None
        if held_bytes >= spool.max_bytes:
            return f"the spool is full: {held_bytes:,} bytes"
        return "the spool is full by age" if age_s > spool.max_age.total_seconds() else None


def _raise_first(done: Iterable["asyncio.Future[Any]"]) -> None:
    for task in done:
        if not task.cancelled() and (error := task.exception()):
            raise error
