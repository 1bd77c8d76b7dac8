"""What we know of one edge node: the metrics of its births, which devices live, and how far its `seq` has come. Pure."""

from collections.abc import Iterable
from typing import Final

import msgspec

from connectors.sparkplug.errors import NoBirthError, UndecodableError
from connectors.sparkplug.wire import Metric

SEQ: Final = 256
# How long a message may come behind its followers before it counts as lost.
REORDER_MS: Final = 2_000


class Known(msgspec.Struct, frozen=True, array_like=True):
    """A metric of a birth. `device` is empty for the node's own."""

    device: str
    name: str
    datatype: int


class Table(msgspec.Struct):
    """What births have said; kept in the spool when one has. `lost`: devices that died and were not born since."""

    bd_seq: int | None = None
    metrics: list[tuple[int | None, Known]] = []
    alive: list[str] = []
    lost: list[str] = []


class Node:
    """One node's table, indexed, and its sequence.

    `latest_ms` is the newest time of each metric since we started. `twice`: aliases that births gave to two metrics;
    neither is known by it. `has_changed`: the table is not kept yet. `misses`: something would have to be said again.
    """

    def __init__(self, table: Table, seq: int | None) -> None:
        self.table = table
        self.seq = seq
        self.latest_ms: dict[tuple[str, str], int] = {}
        # Whether nothing can have passed us by since the last message.
        self.is_unbroken = False
        self.has_changed = False
        self.misses = False
        self.said_last = ""
        self._awaited: dict[int, int] = {}
        self._index()

    def node_born(self, bd_seq: int | None, metrics: Iterable[Metric]) -> None:
        """NBIRTH: everything known before is void, devices have to be born again."""
        self.table = Table(bd_seq, [], [], sorted({*self.table.lost}))
        self._add("", metrics)

    def device_born(self, device: str, metrics: Iterable[Metric]) -> bool:
        """DBIRTH: whether it had been lost."""
        table = self.table
        was_lost = device in table.lost
        table.metrics = [(alias, known) for alias, known in table.metrics if known.device != device]
        table.alive = sorted({*table.alive, device})
        table.lost = [name for name in table.lost if name != device]
        self._add(device, metrics)
        return was_lost

    def device_died(self, device: str) -> None:
        """DDEATH."""
        table = self.table
        table.alive = [name for name in table.alive if name != device]
        table.lost = sorted({*table.lost, device})
        self.has_changed = True

    def node_died(self) -> list[str]:
        """NDEATH: the devices that died with it. What its births said is void."""
        died = self.table.alive
        self.table = Table(None, [], [], sorted({*self.table.lost, *died}))
        self._index()
        self.has_changed = True
        return died

    def resolve(self, device: str, metric: Metric) -> Known:
        """Which metric it is and of what type. Raises NoBirthError, UndecodableError."""
        if metric.name is not None and metric.datatype is not None:
            return Known(device, metric.name, metric.datatype)
        if metric.name is not None:
            known = self._by_name.get((device, metric.name))
        elif metric.alias is not None:
            known = self._by_alias.get(metric.alias)
        else:
            raise UndecodableError("a metric has neither name nor alias")
        if known is None or known.device != device:
            what = f"metric {metric.name}" if metric.name is not None else f"alias {metric.alias}"
            raise NoBirthError(f"{what} was in no birth that we have seen")
        return known if metric.datatype is None else Known(device, known.name, metric.datatype)

    def advance(self, seq: int, now_ms: int) -> int:
        """Take the number of a message that is no NBIRTH; how many messages are now known to be lost before it."""
        first = seq if self.seq is None else (self.seq + 1) % SEQ
        missing = (seq - first) % SEQ
        if missing and self._awaited.pop(seq, None) is not None:
            return self._overdue(now_ms)
        self.seq = seq
        was_unbroken, self.is_unbroken = self.is_unbroken, True
        if missing and not was_unbroken:
            # A birth may have passed us by while we were away: aliases might mean something else now.
            self._awaited.clear()
            self._forget()
            return missing
        self._awaited.update({(first + step) % SEQ: now_ms for step in range(missing)})
        return self._overdue(now_ms)

    def restart(self, seq: int | None) -> int:
        """An NBIRTH begins anew, at any number; how many messages before it never came."""
        self.is_unbroken = True
        lost = len(self._awaited)
        self._awaited.clear()
        self.seq = seq
        return lost

    def _forget(self) -> None:
        self.table.metrics = []
        self._index()
        self.has_changed = True

    def _overdue(self, now_ms: int) -> int:
        late = [seq for seq, since_ms in self._awaited.items() if now_ms - since_ms > REORDER_MS]
        for seq in late:
            del self._awaited[seq]
        return len(late)

    def _add(self, device: str, metrics: Iterable[Metric]) -> None:
        for metric in metrics:
            if metric.name is not None and metric.datatype is not None:
                self.table.metrics.append((metric.alias, Known(device, metric.name, metric.datatype)))
        self._index()
        self.has_changed = True

    def _index(self) -> None:
        self._by_name = {(known.device, known.name): known for _, known in self.table.metrics}
        self._by_alias: dict[int, Known] = {}
        self.twice: set[int] = set()
        for alias, known in self.table.metrics:
            if alias is not None and self._by_alias.setdefault(alias, known) != known:
                self.twice.add(alias)
        for alias in self.twice:
            del self._by_alias[alias]
