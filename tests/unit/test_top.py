"""`quaystream top`: what two scrapes say of the time between; unknown is unknown, and a restart is no negative rate."""

from io import StringIO

import pytest
from rich.console import Console

from connectors.prometheus.exposition import Exposition, parse
from streams.cli.watch.reading import read
from streams.cli.watch.screen import screen

URL = "http://127.0.0.1:6066/metrics"
NOW = 1_800_000_000.0


def worker(
    accepted: int = 0, rejected: int = 0, lag: str = "0", lag_s: str = "0", slow: int = 0, quick: int = 0
) -> Exposition:
    """What a worker exports after so many records, with commits of up to 0.1 s (quick) and up to 1 s (slow)."""
    return parse(f"""
quaystream_records_total{{domain="crane",outcome="accepted",reason=""}} {accepted}
quaystream_records_total{{domain="crane",outcome="rejected",reason="invalid_data"}} {rejected}
# TYPE quaystream_commit_seconds histogram
quaystream_commit_seconds_bucket{{le="0.1"}} {quick}
quaystream_commit_seconds_bucket{{le="1.0"}} {quick + slow}
quaystream_commit_seconds_bucket{{le="+Inf"}} {quick + slow}
quaystream_commit_seconds_count {quick + slow}
quaystream_partition_lag_records{{topic="crane-events",partition="3"}} {lag}
quaystream_partition_lag_seconds{{topic="crane-events",partition="3"}} {lag_s}
quaystream_last_commit_timestamp_seconds{{topic="crane-events",partition="3"}} {NOW - 4}
quaystream_fenced_total{{topic="crane-events"}} 2
quaystream_dead_letters_unrelayed{{topic="crane-events"}} 7
""")


def reading(before: Exposition, after: Exposition, interval_s: float = 2.0):
    return read({URL: before}, {URL: after}, interval_s, NOW)


def test_rates_are_differences_over_the_interval() -> None:
    found = reading(worker(accepted=100, rejected=1), worker(accepted=160, rejected=4))
    crane = next(one for one in found.domains if one.domain == "crane")
    assert (crane.accepted_per_s, crane.rejected_per_s) == (30, 1.5)
    assert dict(found.rejected) == {"invalid_data": 4}


def test_a_worker_that_began_again_counts_from_nothing() -> None:
    crane = reading(worker(accepted=100), worker(accepted=10)).domains[0]
    assert crane.accepted_per_s == 5


def test_a_worker_seen_first_has_no_rates_yet() -> None:
    found = read({}, {URL: worker(accepted=100, quick=5)}, 2.0, NOW)
    assert (found.workers, found.domains[0].accepted_per_s, found.commit_p50_s) == (1, 0, None)


def test_two_workers_add_up() -> None:
    before = {"one": worker(accepted=10), "two": worker(accepted=20)}
    after = {"one": worker(accepted=30), "two": worker(accepted=60)}
    found = read(before, after, 2.0, NOW)
    assert (found.domains[0].accepted_per_s, found.fenced, found.dead_letters_unrelayed) == (30, 4, 14)


def test_unknown_lag_is_unknown_for_the_partition_and_its_domain() -> None:
    found = reading(worker(lag="NaN", lag_s="NaN"), worker(lag="NaN", lag_s="NaN"))
    assert (found.partitions[0].lag_records, found.partitions[0].lag_s) == (None, None)
    assert (found.domains[0].lag_records, found.domains[0].lag_s) == (None, None)


def test_a_partition_tells_its_lag_and_its_last_commit() -> None:
    (one,) = reading(worker(), worker(lag="120", lag_s="3.5")).partitions
    assert (one.topic, one.partition, one.lag_records, one.lag_s) == ("crane-events", 3, 120, 3.5)
    assert (one.committed_ago_s, one.paused) == (4, False)


def test_latencies_are_of_the_interval_and_interpolated_as_prometheus_does() -> None:
    # 3 commits of up to 0.1 s and 1 of up to 1 s since the last look: the median is the second of the three.
    found = reading(worker(quick=90, slow=10), worker(quick=93, slow=11))
    assert found.commit_p50_s == pytest.approx(0.1 * 2 / 3)
    assert found.commit_p99_s == pytest.approx(0.1 + 0.9 * (3.96 - 3) / 1)


def test_without_commits_there_is_no_latency() -> None:
    assert reading(worker(quick=5), worker(quick=5)).commit_p50_s is None


def test_the_screen_says_unknown_and_never_nought() -> None:
    console = Console(width=160, record=True, file=StringIO())
    console.print(screen(reading(worker(lag="NaN", lag_s="NaN"), worker(lag="NaN", lag_s="NaN")), ["no metrics at x"]))
    text = console.export_text()
    assert "1 of 1 partitions behind" in text
    assert "crane-events/3" in text
    assert "no metrics at x" in text
    row = next(line for line in text.splitlines() if "crane-events/3" in line)
    assert row.count("?") == 2
