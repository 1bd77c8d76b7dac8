"""The metrics catalogue keeps Prometheus' conventions and the contract's names."""

import math
import re

import pytest

from schemas import metrics
from schemas.metrics import CATALOGUE, Metric

# Bounded by configuration; a container, truck, person or event id never is.
BOUNDED_LABELS = {
    "scope",
    *("domain", "outcome", "reason", "table", "topic", "partition", "kind"),
    *("cause", "site", "source", "version", "connector"),
    # HTTP statuses that a connector answers, and a closed list of words.
    *("status", "note"),
    *("lane", "trouble", "why"),  # live, backlog; closed lists
    "contract",  # a file each, of schemas/share
    *("profile", "state"),  # SLA profiles of schemas/sla; in, out, unknown
}


def test_every_metric_of_the_module_is_in_the_catalogue_once() -> None:
    declared = [value for value in vars(metrics).values() if isinstance(value, Metric)]
    assert sorted(metric.name for metric in CATALOGUE) == sorted(metric.name for metric in declared)
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_metric_is_named_and_described(metric: Metric) -> None:
    assert re.fullmatch(r"quaystream(_[a-z]+)+", metric.name)
    assert metric.help.endswith(".")


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_only_counters_end_in_total(metric: Metric) -> None:
    assert metric.name.endswith("_total") == (metric.kind == "counter")


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_labels_are_bounded(metric: Metric) -> None:
    assert set(metric.labels) <= BOUNDED_LABELS


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_histograms_alone_have_rising_finite_buckets(metric: Metric) -> None:
    assert (metric.buckets is not None) == (metric.kind == "histogram")
    buckets = metric.buckets or ()
    assert list(buckets) == sorted(set(buckets))
    assert all(math.isfinite(bound) and bound > 0 for bound in buckets)


def test_freshness_objective_of_two_seconds_is_a_bucket() -> None:
    assert 2.0 in (metrics.EVENT_AGE.buckets or ())
