"""The gateway's metrics, brought up to date once a second from what spool and sender know."""

import asyncio
from collections import Counter
from collections.abc import Hashable
from importlib.metadata import version
from typing import Any

from connectors.edge.bounds import Held
from connectors.edge.lanes import LANES
from connectors.edge.publisher import Publisher
from connectors.prometheus import Registry
from schemas.metrics import (
    BUILD_INFO,
    EDGE,
    GATEWAY_CLOCK_STEPS,
    GATEWAY_DELIVERED,
    GATEWAY_LANE_AGE,
    GATEWAY_NAMES,
    GATEWAY_TROUBLES,
    SPOOL_BYTES,
    SPOOL_COMMIT_SECONDS,
    SPOOL_DROPPED,
    SPOOL_EVENTS,
    SPOOL_OLDEST_AGE,
    SPOOL_SET_ASIDE,
    TASKS,
    Metric,
)


class Gauges:
    """Counters are moved by what was added since the last look."""

    def __init__(self) -> None:
        self.registry = Registry(EDGE)
        self.registry.gauge(BUILD_INFO, version("quaystream")).set(1)
        self.registry.gauge(SPOOL_OLDEST_AGE).set(float("nan"))
        self._seen: Counter[Hashable] = Counter()

    def committed(self, seconds: float, _events: int) -> None:
        """One group commit."""
        self.registry.histogram(SPOOL_COMMIT_SECONDS).observe([seconds])

    def clock_stepped(self) -> None:
        """The wall clock has jumped."""
        self.registry.counter(GATEWAY_CLOCK_STEPS).inc()

    def look(self, publisher: Publisher, held: Held, aside: int) -> None:
        """Everything as it is now."""
        for metric, value in ((SPOOL_EVENTS, held.events), (SPOOL_BYTES, held.bytes), (SPOOL_SET_ASIDE, aside)):
            self.registry.gauge(metric).set(value)
        self.registry.gauge(SPOOL_OLDEST_AGE).set(held.oldest_age_s)
        self.registry.gauge(TASKS).set(len(asyncio.all_tasks()))
        sender = publisher.sender
        for lane in LANES:
            self.registry.gauge(GATEWAY_LANE_AGE, lane).set(sender.waiting_age_s(lane))
            self._count(GATEWAY_DELIVERED, sender.delivered[lane], lane)
        for trouble, times in sender.troubles.items():
            self._count(GATEWAY_TROUBLES, times, trouble)
        for outcome, names in publisher.names.items():
            self._count(GATEWAY_NAMES, names, outcome)
        self._count(SPOOL_DROPPED, publisher.keeper.spool.dropped)

    def _count(self, metric: Metric, total: int, *labels: Any) -> None:
        key = (metric.name, *labels)
        self.registry.counter(metric, *labels).inc(total - self._seen[key])
        self._seen[key] = total
