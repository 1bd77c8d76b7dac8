"""The spool for asynchronous callers: one thread owns the file, and whoever comes during a commit shares the next.

So the number of fsyncs follows the disk, not the events: 10,000 single events a second need no more
than the disk gives.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from connectors.edge.bounds import Held
from connectors.edge.errors import DiskFullError, SpoolFailedError
from connectors.edge.event import Receipt
from connectors.edge.row import Row
from connectors.edge.spool import Answer, Parcel, Spool
from schemas.errors import QuaystreamError

MOST_EVENTS: Final = 5_000
LET_GO_S: Final = 0.05
T = TypeVar("T")


class Keeper:
    """`keep` returns when the spool has it. `on_commit(seconds, events)` is told of every transaction."""

    def __init__(self, spool: Spool, on_commit: Callable[[float, int], None] = lambda _s, _n: None) -> None:
        self.spool = spool
        self.arrived = asyncio.Event()
        self.failure: SpoolFailedError | None = None
        self._on_commit = on_commit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._waiting: list[tuple[Parcel, asyncio.Future[list[Receipt]]]] = []
        self._delivered: set[int] = set()
        self._work = asyncio.Event()
        self._wrote = asyncio.Event()
        self._task = asyncio.ensure_future(self._run())

    async def keep(self, parcel: Parcel) -> list[Receipt]:
        """Take all of a parcel. Raises SpoolRefusedError (nothing of it was taken) and SpoolFailedError."""
        if self.failure is not None:
            raise self.failure
        future: asyncio.Future[list[Receipt]] = asyncio.get_running_loop().create_future()
        self._waiting.append((parcel, future))
        self._work.set()
        return await future

    def let_go(self, positions: Iterable[int]) -> None:
        """The broker has these; they leave the spool a moment later. Forgotten by a kill, and then sent again."""
        self._delivered.update(positions)

    def is_let_go(self, position: int) -> bool:
        """Whether the event is delivered and only still in the file."""
        return position in self._delivered

    async def read(self, first: int, last: int, limit: int) -> list[Row]:
        """As the spool's."""
        return await self._in_thread(lambda: self.spool.read(first, last, limit))

    async def cursor(self, name: str) -> str | None:
        """As the spool's."""
        return await self._in_thread(lambda: self.spool.cursor(name))

    async def cursors(self, prefix: str) -> dict[str, str]:
        """As the spool's."""
        return await self._in_thread(lambda: self.spool.cursors(prefix))

    async def set_aside(self, position: int, reason: str) -> None:
        """As the spool's."""
        await self._in_thread(lambda: self.spool.set_aside(position, reason))

    async def held(self) -> Held:
        """As the spool's."""
        return await self._in_thread(self.spool.held)

    async def aside(self) -> int:
        """As the spool's."""
        return await self._in_thread(self.spool.aside)

    def next_write(self) -> asyncio.Event:
        """Set at the end of the transaction that ends next. Take it before you look at what you wait to change."""
        return self._wrote

    async def close(self) -> None:
        """Write what waits, and close the file."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self.failure is None and (self._waiting or self._delivered):
            await self._write()
        await self._in_thread(self.spool.close)
        self._thread.shutdown()

    async def _run(self) -> None:
        while self.failure is None:
            try:
                # Not wait_for: on Python 3.11 it swallows a cancellation that comes together with what it waits for.
                async with asyncio.timeout(LET_GO_S):
                    await self._work.wait()
            except TimeoutError:
                if not self._delivered:
                    continue
            self._work.clear()
            # A write that has begun is finished even when we are cancelled, so that its callers are answered.
            await asyncio.shield(asyncio.ensure_future(self._write()))

    async def _write(self) -> None:
        batch = self._take_batch()
        parcels = [parcel for parcel, _ in batch]
        # Copied: more may be delivered while the thread works.
        delivered = tuple(self._delivered)
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            answers = await self._in_thread(lambda: self._write_in_thread(parcels, delivered))
        except (DiskFullError, SpoolFailedError) as error:
            self._refuse(batch, error)
            return
        except Exception as error:  # noqa: BLE001  (a task that ended silently would leave every caller waiting for ever)
            self._refuse(batch, SpoolFailedError(f"the spool stopped for an unforeseen error: {error!r}"))
            return
        self._delivered.difference_update(delivered)
        self._on_commit(loop.time() - started, sum(len(parcel.events) for parcel in parcels))
        _answer(batch, answers)
        self._wrote.set()
        self._wrote = asyncio.Event()
        if parcels:
            self.arrived.set()

    def _write_in_thread(self, parcels: Sequence[Parcel], delivered: Sequence[int]) -> list[Answer]:
        try:
            return self.spool.write(parcels, delivered)
        except DiskFullError:
            # Letting go needs far less room than taking, and makes some.
            self.spool.write((), delivered)
            return self.spool.write(parcels)

    def _take_batch(self) -> list[tuple[Parcel, asyncio.Future[list[Receipt]]]]:
        events = count = 0
        while count < len(self._waiting) and events < MOST_EVENTS:
            events += len(self._waiting[count][0].events)
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        if self._waiting:
            self._work.set()
        return batch

    def _refuse(self, batch: list[tuple[Parcel, "asyncio.Future[list[Receipt]]"]], error: Exception) -> None:
        if isinstance(error, SpoolFailedError):
            self.failure = error
            batch, self._waiting = [*batch, *self._waiting], []
            self.arrived.set()
        for _, future in batch:
            if not future.done():
                future.set_exception(error)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def _answer(batch: list[tuple[Parcel, "asyncio.Future[list[Receipt]]"]], answers: Sequence[Answer]) -> None:
    for (_, future), answer in zip(batch, answers, strict=True):
        if future.done():
            continue
        if isinstance(answer, QuaystreamError):
            future.set_exception(answer)
        else:
            future.set_result(answer)
