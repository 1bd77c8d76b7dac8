"""The registry: every metric of the catalogue, and histograms that take a whole batch at once."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from schemas.metrics import CATALOGUE, Metric

# The catalogue has every series there is; when a counter was created is in none of it.
disable_created_metrics()  # type: ignore[no-untyped-call]


class BatchHistogram(Collector):
    """A histogram that observes arrays: one pass per batch, not one call per event."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._bounds = np.array(metric.buckets or (), dtype=float)
        self._counts: dict[tuple[str, ...], npt.NDArray[np.int64]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, values: npt.ArrayLike, *labels: str) -> None:
        """Add values (base units) to the series of `labels`."""
        array = np.atleast_1d(np.asarray(values, dtype=float))
        where = np.searchsorted(self._bounds, array, side="left")
        added = np.bincount(where, minlength=len(self._bounds) + 1)
        self._counts[labels] = self._counts.get(labels, np.zeros(len(self._bounds) + 1, np.int64)) + added
        self._sums[labels] = self._sums.get(labels, 0.0) + float(array.sum())

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._metric.name, self._metric.help, labels=self._metric.labels)
        bounds = [*(repr(float(b)) for b in self._bounds), "+Inf"]
        for labels, counts in self._counts.items():
            buckets = list(zip(bounds, np.cumsum(counts).astype(float).tolist(), strict=True))
            family.add_metric(labels, buckets, self._sums[labels])
        yield family


class Registry:
    """Counters, gauges and histograms by catalogue entry."""

    def __init__(self, metrics: Iterable[Metric] = CATALOGUE) -> None:
        self._registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, BatchHistogram] = {}
        for metric in metrics:
            self._add(metric)

    def counter(self, metric: Metric, *labels: str) -> Counter:
        """The counter of a metric, for these label values."""
        counter = self._counters[metric.name]
        return counter.labels(*labels) if labels else counter

    def gauge(self, metric: Metric, *labels: str) -> Gauge:
        """The gauge of a metric, for these label values."""
        gauge = self._gauges[metric.name]
        return gauge.labels(*labels) if labels else gauge

    def histogram(self, metric: Metric) -> BatchHistogram:
        """The histogram of a metric."""
        return self._histograms[metric.name]

    def clear(self, metric: Metric) -> None:
        """Forget all series of a gauge, before it is written anew."""
        self._gauges[metric.name].clear()

    def text(self) -> bytes:
        """The exposition format, text version 0.0.4."""
        return generate_latest(self._registry)

    def _add(self, metric: Metric) -> None:
        if metric.kind == "counter":
            self._counters[metric.name] = Counter(metric.name, metric.help, metric.labels, registry=self._registry)
        elif metric.kind == "gauge":
            self._gauges[metric.name] = Gauge(metric.name, metric.help, metric.labels, registry=self._registry)
        else:
            self._histograms[metric.name] = BatchHistogram(metric)
            self._registry.register(self._histograms[metric.name])
