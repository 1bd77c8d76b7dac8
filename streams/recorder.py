"""Counts what the lanes did, once per transaction."""

import time
from collections.abc import Collection

import numpy as np

from connectors.prometheus import Registry
from schemas import metrics
from schemas.backfill import is_backfill
from schemas.outcome import Outcome
from streams.core.record import TopicPartition
from streams.core.writes import Writes

OTHER = "other"


class WorkerRecorder:
    """A lane's recorder over the metrics catalogue.

    `gateways` are the declared sources, which may grow while it runs: others fold into `other`.
    """

    def __init__(self, registry: Registry, gateways: Collection[str]) -> None:
        self._registry = registry
        self.gateways = frozenset(gateways)
        self.newest_us: dict[str, int] = {}

    def committed(self, writes: Writes, seconds: float) -> None:
        """A transaction landed."""
        now = time.time()
        self._count(writes)
        self._registry.histogram(metrics.COMMIT_SECONDS).observe(seconds)
        rows = sum(batch.num_rows for batch in writes.rows.values())
        self._registry.histogram(metrics.COMMIT_ROWS).observe(rows)
        for step in writes.progress:
            labels = (step.tp.topic, str(step.tp.partition))
            self._registry.gauge(metrics.LAST_COMMIT_TIMESTAMP, *labels).set(now)
        self._age(writes, now)
        self._history(writes)
        for source, skew in writes.skew_s.items():
            name = source if source in self.gateways else OTHER
            self._registry.gauge(metrics.CLOCK_SKEW, writes.domain, name).set(skew)

    def yielded(self, domain: str, seconds: float) -> None:
        """History waited longer than its rate asks, for the sake of live records."""
        self._registry.counter(metrics.BACKFILL_YIELDED, domain).inc(seconds)

    def retried(self, cause: str) -> None:
        """A transaction was rolled back and will be tried again."""
        self._registry.counter(metrics.COMMIT_RETRIES, cause).inc()

    def fenced(self, tp: TopicPartition) -> None:
        """A transaction was refused because another worker had moved the offset."""
        self._registry.counter(metrics.FENCED, tp.topic).inc()

    def _count(self, writes: Writes) -> None:
        for (outcome, reason), count in writes.tally.items():
            labels = (writes.domain, outcome.value, reason.value if reason and outcome is Outcome.REJECTED else "")
            self._registry.counter(metrics.RECORDS, *labels).inc(count)
        for table, batch in writes.rows.items():
            self._registry.counter(metrics.ROWS_WRITTEN, table).inc(batch.num_rows)
        for gap in writes.lost:
            self._registry.counter(metrics.LOST_RECORDS, gap.tp.topic, gap.kind).inc(gap.end - gap.start)
        for topic, count in writes.key_mismatches.items():
            self._registry.counter(metrics.KEY_MISMATCH, topic).inc(count)
        if writes.unknown_fields:
            self._registry.counter(metrics.UNKNOWN_FIELDS, writes.domain).inc(writes.unknown_fields)
        for site, count in writes.clear_names.items():
            self._registry.counter(metrics.CLEAR_NAMES, writes.domain, site).inc(count)
        for why, count in writes.strange.items():
            self._registry.counter(metrics.COUNTERS_UNKNOWN, why).inc(count)

    def _history(self, writes: Writes) -> None:
        steps = [step for step in writes.progress if is_backfill(step.tp.topic)]
        if steps:
            records = sum(step.accepted + step.duplicate + step.rejected for step in steps)
            self._registry.counter(metrics.BACKFILL_RECORDS, writes.domain).inc(records)

    def _age(self, writes: Writes, now: float) -> None:
        if len(writes.accepted_us) == 0:
            return
        ages = np.maximum(now - writes.accepted_us / 1e6, 0.0)
        self._registry.histogram(metrics.EVENT_AGE).observe(ages, writes.domain)
        newest = max(int(writes.accepted_us.max()), self.newest_us.get(writes.domain, 0))
        self.newest_us[writes.domain] = newest
        self._registry.gauge(metrics.FRESHNESS_TIMESTAMP, writes.domain).set(newest / 1e6)
