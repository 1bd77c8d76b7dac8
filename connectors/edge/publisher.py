"""The library for gateways written by others: `await publisher.send(event)` returns when the event cannot be lost."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from connectors.edge.bounds import Bounds, Held
from connectors.edge.event import Receipt, offered_in_python
from connectors.edge.keeper import Keeper
from connectors.edge.sender import Delivery, Sender, connect_to
from connectors.edge.spool import Cursor, Parcel, Spool
from connectors.kafka.options import KafkaAccess

CLOSE_S: Final = 5.0


class Publisher:
    """Takes events into a spool on this machine's disk, and sends them to Kafka from there, in the background.

    `spool` is a file of this process alone. Where `access` names keys of pseudonyms, clear names never reach it. `source` names the gateway in events that name none.

        async with Publisher(Path("/var/lib/gw/spool.db"), KafkaAccess("kafka:9092"), "/vnhph/tanvu/gw-03") as publisher:
            await publisher.send({"type": "io.quaystream.crane.sample.v1", "subject": "VNHPH-TANVU-STS03",
                                  "time": datetime.now(UTC), "data": {"load_t": 20.5}})

    Entering does not need the broker. Leaving gives it `CLOSE_S` seconds to take what waits; the rest
    stays in the spool for the next process.
    """

    def __init__(
        self,
        spool: Path,
        access: KafkaAccess,
        source: str,
        bounds: Bounds = Bounds(),  # noqa: B008  (frozen)
        delivery: Delivery = Delivery(),  # noqa: B008  (frozen)
        on_commit: Callable[[float, int], None] = lambda _s, _n: None,
    ) -> None:
        self._path = spool
        self._source = source
        self._bounds = bounds
        self._on_commit = on_commit
        self._connect = connect_to(access, delivery)
        self._protector = access.protector()
        self._delivery = delivery
        self._open: _Open | None = None

    async def __aenter__(self) -> Self:
        """Open the spool and begin to send. Raises ConfigurationError."""
        keeper = Keeper(Spool(self._path, self._bounds), self._on_commit)
        sender = Sender(keeper, self._delivery, self._connect)
        self._open = _Open(keeper, sender, asyncio.ensure_future(sender.run()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        opened = self._opened()
        if error is None and not opened.sending.done():
            with suppress(TimeoutError):
                await self.flush(CLOSE_S)
        opened.sending.cancel()
        await asyncio.gather(opened.sending, return_exceptions=True)
        await opened.keeper.close()

    async def send(self, event: Mapping[str, Any]) -> Receipt:
        """Returns what the event is called, once it is in the spool and the disk has confirmed it.

        Needed: `type`, `subject`, `time` (RFC 3339 with offset, or an aware datetime), `data`. Without an
        `id` the event is numbered and gets one. With one it keeps it, stays un-numbered unless it brings
        `bootid` and `sequence`, and may be sent again: a repeat is stored once.

        Raises InvalidEventError (and EventTooLargeError) for what no worker would accept,
        SpoolFullError or DiskFullError when there is no room now, SpoolFailedError when the disk is broken.
        """
        (receipt,) = await self.send_all([event])
        return receipt

    async def send_all(self, events: Iterable[Mapping[str, Any]], cursors: Sequence[Cursor] = ()) -> list[Receipt]:
        """As `send`, all of them or none. `cursors` are kept in the same transaction (see `cursor`)."""
        return await self.keep(Parcel([offered_in_python(event, self._source) for event in events], cursors))

    async def keep(self, parcel: Parcel) -> list[Receipt]:
        """As `send_all`, of events that are checked already."""
        if self._protector is not None:
            event = self._protector.event
            parcel = parcel._replace(events=[one._replace(event=event(one.event)) for one in parcel.events])
        opened = self._opened()
        if opened.sending.done() and (failure := opened.sending.exception()):
            raise failure
        return await opened.keeper.keep(parcel)

    async def cursor(self, name: str) -> str | None:
        """How far the source of that name has read: what it kept last with its events, or None."""
        return await self.keeper.cursor(name)

    async def cursors(self, prefix: str) -> dict[str, str]:
        """All cursors whose names begin so, by name."""
        return await self.keeper.cursors(prefix)

    async def flush(self, within_s: float) -> None:
        """Wait until the broker has everything. Raises TimeoutError; nothing is lost by that."""
        await asyncio.wait_for(self.sender.until_empty(), within_s)

    async def held(self) -> Held:
        """What waits for the broker."""
        return await self.keeper.held()

    @property
    def keeper(self) -> Keeper:
        """The spool's asynchronous side."""
        return self._opened().keeper

    @property
    def sender(self) -> Sender:
        """What delivers; for metrics."""
        return self._opened().sender

    @property
    def names(self) -> Mapping[str, int]:
        """Names on their way into the spool: how many were replaced, how many withheld; for metrics."""
        return {} if self._protector is None else self._protector.counts

    @property
    def sending(self) -> "asyncio.Task[None]":
        """The task that delivers; it ends only with an error."""
        return self._opened().sending

    def _opened(self) -> "_Open":
        if self._open is None:
            raise RuntimeError("use `async with Publisher(…) as publisher`")
        return self._open


class _Open(NamedTuple):
    keeper: Keeper
    sender: Sender
    sending: "asyncio.Task[None]"
