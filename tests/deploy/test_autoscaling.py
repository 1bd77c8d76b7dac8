"""KEDA's ScaledObject: its structure, its caps, and what its query answers to lags, unknown lags and a slow database."""

from math import floor
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.monitoring.dashboards.lint import catalogued, series
from schemas.topics import load_topics
from streams.app import POOL_CONNECTIONS
from tests.deploy.test_alert_rules import promtool
from tests.support.documents import ROOT

FILE = ROOT / "deploy/monitoring/autoscaling/worker.scaledobject.yaml"
OBJECT = yaml.safe_load(FILE.read_text())
SPEC = OBJECT["spec"]
(TRIGGER,) = SPEC["triggers"]
QUERY = TRIGGER["metadata"]["query"]
# PostgreSQL's own default, and what a deployment should leave to people, dashboards, backups and folds.
SESSIONS = 100
SHARE_OF_WORKERS = 0.6
UNKNOWN = " ".join(["NaN"] * 20)
UP = {'up{job="quaystream-worker", instance="a"}': "1x20", 'up{job="quaystream-worker", instance="b"}': "1x20"}
FAST = {
    'quaystream_commit_seconds_bucket{le="0.5"}': "0+60x20",
    'quaystream_commit_seconds_bucket{le="+Inf"}': "0+60x20",
}
SLOW = {
    'quaystream_commit_seconds_bucket{le="1.0"}': "0+1x20",
    'quaystream_commit_seconds_bucket{le="10.0"}': "0+60x20",
    'quaystream_commit_seconds_bucket{le="+Inf"}': "0+60x20",
}


def lag(partition: int, values: str, topic: str = "crane-events") -> dict[str, str]:
    return {f'quaystream_partition_lag_seconds{{topic="{topic}", partition="{partition}"}}': values}


def answer_is(given: dict[str, str], expected: float | None, folder: Path) -> None:
    """By promtool: the query's answer after ten minutes of these series; None: no answer."""
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in given.items()],
        "promql_expr_test": [
            {
                "expr": QUERY,
                "eval_time": "10m",
                "exp_samples": [] if expected is None else [{"labels": "{}", "value": expected}],
            }
        ],
    }
    file = folder / "query.yaml"
    file.write_text(yaml.safe_dump({"tests": [test]}))
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({**UP, **FAST, **lag(0, "12x20"), **lag(1, "90x20")}, 90, id="the oldest record counts"),
        pytest.param({**UP, **FAST, **lag(0, "0x20")}, 0, id="caught up is 0"),
        pytest.param({**UP, **FAST, **lag(0, "90x20"), **lag(1, UNKNOWN)}, None, id="one unknown partition"),
        pytest.param({**UP, **FAST, **lag(0, UNKNOWN)}, None, id="all unknown"),
        pytest.param({**UP, **FAST}, None, id="nobody says a lag"),
        pytest.param({}, None, id="nobody is there"),
        pytest.param({**UP, **SLOW, **lag(0, "900x20")}, 60, id="slow database: no more than the two there are"),
        pytest.param({**UP, **SLOW, **lag(0, "20x20")}, 20, id="slow database: fewer may be"),
        pytest.param({**UP, **SLOW, **lag(0, UNKNOWN)}, None, id="slow database and unknown"),
        pytest.param({**UP, **FAST, **lag(0, "5x20"), **lag(0, "9000x20", "crane-events-backfill")}, 5, id="history waits"),
    ],
)  # fmt: skip
def test_the_query_answers(given: dict[str, str], expected: float | None, tmp_path: Path) -> None:
    answer_is(given, expected, tmp_path)


def test_it_is_a_scaled_object_of_known_fields() -> None:
    assert (OBJECT["apiVersion"], OBJECT["kind"]) == ("keda.sh/v1alpha1", "ScaledObject")
    assert set(OBJECT) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(SPEC) <= {
        *("scaleTargetRef", "pollingInterval", "minReplicaCount", "maxReplicaCount"),
        "fallback",
        "advanced",
        "triggers",
    }
    assert set(TRIGGER["metadata"]) == {"serverAddress", "threshold", "ignoreNullValues", "query"}
    # The trigger's values are strings, whatever they look like.
    assert all(isinstance(value, str) for value in TRIGGER["metadata"].values())


def test_no_answer_takes_no_worker_away() -> None:
    assert TRIGGER["metadata"]["ignoreNullValues"] == "false"
    # Fallbacks work for this kind of target only.
    assert TRIGGER["metricType"] == "AverageValue"
    assert SPEC["fallback"]["behavior"] == "currentReplicasIfHigher"
    assert SPEC["fallback"]["replicas"] == SPEC["minReplicaCount"] >= 1


def test_workers_are_capped_by_partitions_and_by_the_database() -> None:
    partitions = max(topic.partitions for topic in load_topics().values() if topic.name.endswith("-events"))
    sessions = floor(SESSIONS * SHARE_OF_WORKERS / POOL_CONNECTIONS)
    assert SPEC["minReplicaCount"] < SPEC["maxReplicaCount"] == min(partitions, sessions)


def test_the_threshold_is_the_one_in_the_query() -> None:
    assert QUERY.count(f"{TRIGGER['metadata']['threshold']} * sum(up") == 2


def test_only_metrics_of_the_catalogue_are_asked() -> None:
    asked = series("\n".join(line for line in QUERY.splitlines() if not line.strip().startswith("#")))
    assert asked <= catalogued()


def test_the_page_shows_the_file() -> None:
    assert "deploy/monitoring/autoscaling/worker.scaledobject.yaml" in (ROOT / "docs/how-to/autoscaling.md").read_text()
