"""The registry exports exactly the catalogue, and its histograms say what prometheus_client's would."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from connectors.prometheus import Registry
from schemas import metrics
from schemas.metrics import CATALOGUE, Metric

BUCKETS = (0.1, 1.0, 2.5, 10.0)
PLAIN = Metric("quaystream_test_seconds", "histogram", "A test.", ("domain",), BUCKETS)
VALUES = st.lists(st.sampled_from([*BUCKETS, 0.0, -1.0]) | st.floats(-5, 20), max_size=30)

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: bytes) -> Samples:
    """Every sample of an exposition but the moments of creation."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def by_prometheus_client(batches: list[tuple[str, list[float]]]) -> Samples:
    registry = CollectorRegistry()
    histogram = Histogram(PLAIN.name, PLAIN.help, PLAIN.labels, buckets=BUCKETS, registry=registry)
    for domain, values in batches:
        for value in values:
            histogram.labels(domain).observe(value)
    return samples(generate_latest(registry))


@given(st.lists(st.tuples(st.sampled_from(["crane", "gate"]), VALUES.filter(len)), max_size=5))
def test_histogram_of_batches_says_what_one_by_one_would(batches: list[tuple[str, list[float]]]) -> None:
    registry = Registry([PLAIN])
    for domain, values in batches:
        registry.histogram(PLAIN).observe(np.array(values), domain)
    found, expected = samples(registry.text()), by_prometheus_client(batches)
    assert found.keys() == expected.keys()
    assert all(found[key] == pytest.approx(value, abs=1e-9) for key, value in expected.items())


def test_single_value_is_a_batch_of_one() -> None:
    registry = Registry([PLAIN])
    registry.histogram(PLAIN).observe(1.0, "crane")
    assert samples(registry.text()) == by_prometheus_client([("crane", [1.0])])


def test_catalogue_and_nothing_else_is_exported() -> None:
    families = {family.name for family in text_string_to_metric_families(Registry().text().decode())}
    declared = {m.name.removesuffix("_total") if m.kind == "counter" else m.name for m in CATALOGUE}
    # A histogram without a value has no samples, but its family is there.
    assert families == declared


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_metric_is_exported_with_its_kind_and_help(metric: Metric) -> None:
    text = Registry().text().decode()
    assert f"# TYPE {metric.name} {metric.kind}\n" in text
    assert f"# HELP {metric.name} {metric.help}\n" in text


def test_labels_come_in_the_catalogue_s_order() -> None:
    registry = Registry()
    registry.counter(metrics.RECORDS, "crane", "rejected", "too_old").inc(3)
    assert b'quaystream_records_total{domain="crane",outcome="rejected",reason="too_old"} 3.0' in registry.text()


def test_cleared_gauge_has_no_series() -> None:
    registry = Registry()
    registry.gauge(metrics.LEDGER_DIFFERENCE, "crane-events").set(4)
    registry.clear(metrics.LEDGER_DIFFERENCE)
    assert b'topic="crane-events"' not in registry.text()


def test_metric_outside_the_catalogue_does_not_exist() -> None:
    with pytest.raises(KeyError):
        Registry().counter(Metric("quaystream_other_total", "counter", "Other."))
