"""Progress, not appearances: lag per partition, and whether records wait while commits stand still."""

import math
import time
from collections.abc import Iterable

from connectors.prometheus import Registry
from schemas import metrics
from schemas.backfill import is_backfill
from streams.core.record import TopicPartition
from streams.lane import Lane

STALL_S = 120.0


class Watchdog:
    """Follows the lanes' partitions; `stalled` is what liveness asks."""

    def __init__(self, lanes: Iterable[Lane], registry: Registry) -> None:
        self._lanes = tuple(lanes)
        self._registry = registry
        self._progress: dict[TopicPartition, tuple[int, float]] = {}
        self._lag: dict[TopicPartition, int] = {}

    def observe(self, ends: dict[TopicPartition, int | None]) -> None:
        """Take the partitions' end offsets (None = unknown) and export the lag."""
        now = time.monotonic()
        self._registry.clear(metrics.PARTITION_LAG_RECORDS)
        self._registry.clear(metrics.PARTITION_LAG_SECONDS)
        self._registry.clear(metrics.PARTITION_PAUSED)
        heads = {tp: head for lane in self._lanes for tp, head in lane.partitions.heads().items()}
        self._lag = {}
        excused = self._excused()
        for tp, head in heads.items():
            end = ends.get(tp)
            if end is not None:
                self._lag[tp] = max(0, end - head)
            if self._progress.get(tp, (-1, 0.0))[0] != head or self._lag.get(tp) == 0 or tp in excused:
                self._progress[tp] = (head, now)
            self._export(tp)
        self._progress = {tp: seen for tp, seen in self._progress.items() if tp in heads}

    def lag(self) -> dict[TopicPartition, int]:
        """Records behind, where known."""
        return dict(self._lag)

    def live_lag(self) -> int:
        """Records behind in the event topics: history waits because it shall."""
        return sum(lag for tp, lag in self._lag.items() if not is_backfill(tp.topic))

    def stalled(self) -> str | None:
        """Which live partition has lag and no commit for `STALL_S` seconds.

        A paused one is not stalled, nor one whose lane tries again and again: a restart would help neither.
        """
        now = time.monotonic()
        excused = self._excused()
        for tp, (head, since) in self._progress.items():
            is_waiting = self._lag.get(tp, 0) and tp not in excused and not is_backfill(tp.topic)
            if is_waiting and now - since > STALL_S:
                return (
                    f"{tp.topic}/{tp.partition} stands at {head} for {now - since:.0f} s with {self._lag[tp]} waiting"
                )
        return None

    def waiting(self) -> str | None:
        """What keeps a lane trying again and again."""
        return next((f"transactions fail: {lane.waits_for}" for lane in self._lanes if lane.waits_for), None)

    def standing(self, seconds: float) -> list[TopicPartition]:
        """Partitions with lag whose head has not moved for so long."""
        now = time.monotonic()
        return [tp for tp, (_, since) in self._progress.items() if self._lag.get(tp) and now - since > seconds]

    def _excused(self) -> set[TopicPartition]:
        """Paused, or of a lane that waits for the database: no time runs against them."""
        waiting = {tp for lane in self._lanes if lane.waits_for for tp in lane.partitions.heads()}
        return waiting.union(*(lane.partitions.paused for lane in self._lanes))

    def _is_paused(self, tp: TopicPartition) -> bool:
        return any(tp in lane.partitions.paused for lane in self._lanes)

    def _lag_seconds(self, tp: TopicPartition, lag: int | None) -> float:
        """Age of the last record stored, by append time, while others wait behind it."""
        appended = next((s for lane in self._lanes if (s := lane.partitions.appended_s.get(tp)) is not None), None)
        if lag is None or (lag and appended is None):
            return math.nan
        return max(0.0, time.time() - appended) if lag and appended is not None else 0.0

    def _export(self, tp: TopicPartition) -> None:
        labels = (tp.topic, str(tp.partition))
        lag = self._lag.get(tp)
        records = math.nan if lag is None else float(lag)
        self._registry.gauge(metrics.PARTITION_LAG_RECORDS, *labels).set(records)
        self._registry.gauge(metrics.PARTITION_LAG_SECONDS, *labels).set(self._lag_seconds(tp, lag))
        self._registry.gauge(metrics.PARTITION_PAUSED, *labels).set(float(self._is_paused(tp)))
