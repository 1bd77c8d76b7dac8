"""What a transaction adds to the metrics, once, when it has landed."""

import time

import numpy as np
import pytest

from connectors.prometheus import Registry
from schemas.outcome import Outcome, Reason
from streams.core.record import TopicPartition
from streams.core.writes import LostRange, Writes
from streams.pipeline import Fence
from streams.recorder import WorkerRecorder
from tests.support.judging import written
from tests.support.records import APPENDED_MS, CRANES, SOURCE, crane, sent, stretch
from tests.unit.test_registry import Samples, samples


def recorded(*all_writes: Writes, gateways: tuple[str, ...] = (SOURCE,)) -> Samples:
    registry = Registry()
    recorder = WorkerRecorder(registry, gateways)
    for writes in all_writes:
        recorder.committed(writes, 0.02)
    return samples(registry.text())


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def records(found: Samples, outcome: str, reason: str = "") -> float:
    return value(found, "quaystream_records_total", domain="crane", outcome=outcome, reason=reason)


def batch(*documents: object) -> Writes:
    return written([stretch(documents)])


def test_records_are_counted_by_outcome_and_reason() -> None:
    writes = batch(crane("a"), crane("a"), crane("b"), b"x", None, crane("c", ago_s=-900.0))
    found = recorded(writes)
    assert (records(found, "accepted"), records(found, "duplicate")) == (2, 1)
    assert (records(found, "rejected", "undecodable"), records(found, "rejected", "clock_skew")) == (2, 1)


def test_counts_add_up_over_transactions() -> None:
    assert records(recorded(batch(crane("a")), batch(crane("b"), crane("c"))), "accepted") == 3


def test_no_record_is_counted_twice() -> None:
    writes = batch(crane("a"), crane("a"), b"x", {**crane("b"), "data": {}})
    found = recorded(writes)
    assert sum(n for (name, _), n in found.items() if name == "quaystream_records_total") == 4


def test_rows_are_counted_by_table() -> None:
    status = crane("s", type="io.quaystream.crane.status.v1", data={"status": "idle"})
    found = recorded(batch(crane("a"), status, crane("b")))
    assert value(found, "quaystream_rows_written_total", table="port.crane_sample") == 2
    assert value(found, "quaystream_rows_written_total", table="port.crane_status") == 1
    assert value(found, "quaystream_commit_rows_sum") == 3
    assert value(found, "quaystream_commit_seconds_count") == 1


def test_lost_offsets_are_counted_by_kind() -> None:
    writes = written([stretch([sent(9, crane("a"))])], fences={CRANES: Fence(0, 1, log_start=7)})
    found = recorded(writes)
    assert value(found, "quaystream_lost_records_total", topic="crane-events", kind="retention") == 7
    assert value(found, "quaystream_lost_records_total", topic="crane-events", kind="not_a_record") == 2


def test_unknown_parts_and_other_keys_are_counted() -> None:
    odd = [sent(0, crane("a", colour="red")), sent(1, crane("b"))]
    moved = [odd[0], type(odd[1])(1, odd[1].value, b"another")]
    found = recorded(written([stretch(moved)]))
    assert value(found, "quaystream_unknown_fields_total", domain="crane") == 1
    assert value(found, "quaystream_key_mismatch_total", topic="crane-events") == 1


def test_declared_gateway_shows_its_skew_and_others_share_one_series() -> None:
    documents = [crane("a", ago_s=-2.0), crane("b", source="/somewhere/else", ago_s=4.0)]
    found = recorded(batch(*documents))
    skews = {labels: n for (name, labels), n in found.items() if name == "quaystream_clock_skew_seconds"}
    assert skews == {
        frozenset({("domain", "crane"), ("source", SOURCE)}): 2.0,
        frozenset({("domain", "crane"), ("source", "other")}): -4.0,
    }


def test_age_runs_from_event_time_to_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: APPENDED_MS / 1_000 + 5.0)
    found = recorded(batch(crane("a", ago_s=1.0), crane("b", ago_s=3.0)))
    assert value(found, "quaystream_event_age_seconds_sum", domain="crane") == pytest.approx(14.0)
    assert value(found, "quaystream_event_age_seconds_count", domain="crane") == 2


def test_event_from_the_future_has_age_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: APPENDED_MS / 1_000)
    found = recorded(batch(crane("a", ago_s=-10.0)))
    assert value(found, "quaystream_event_age_seconds_sum", domain="crane") == 0


def test_freshness_never_goes_back() -> None:
    found = recorded(batch(crane("new", ago_s=1.0)), batch(crane("late", ago_s=5_000.0)))
    freshness = value(found, "quaystream_freshness_timestamp_seconds", domain="crane")
    assert freshness == pytest.approx(APPENDED_MS / 1_000 - 1.0)


def test_batch_without_accepted_events_has_no_age() -> None:
    found = recorded(batch(b"x"))
    assert not [name for name, _ in found if name.startswith("quaystream_event_age")]


def test_history_is_counted_but_says_nothing_of_how_fresh_live_events_are() -> None:
    history = TopicPartition("crane-events-backfill", 0)
    old = [stretch([crane("a", ago_s=600_000.0), crane("a", ago_s=600_000.0), b"x"], tp=history)]
    found = recorded(batch(crane("now", ago_s=1.0)), written(old))
    assert value(found, "quaystream_backfill_records_total", domain="crane") == 3
    assert (records(found, "accepted"), records(found, "rejected", "undecodable")) == (2, 1)
    assert value(found, "quaystream_event_age_seconds_count", domain="crane") == 1
    assert value(found, "quaystream_clock_skew_seconds", domain="crane", source=SOURCE) == pytest.approx(-1.0)
    freshness = value(found, "quaystream_freshness_timestamp_seconds", domain="crane")
    assert freshness == pytest.approx(APPENDED_MS / 1_000 - 1.0)


def test_the_time_that_history_gives_way_adds_up() -> None:
    registry = Registry()
    recorder = WorkerRecorder(registry, ())
    recorder.yielded("crane", 0.5)
    recorder.yielded("crane", 1.25)
    assert value(samples(registry.text()), "quaystream_backfill_yielded_seconds_total", domain="crane") == 1.75


def test_last_commit_is_told_by_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_000.5)
    found = recorded(batch(crane("a")))
    last = value(found, "quaystream_last_commit_timestamp_seconds", topic="crane-events", partition="0")
    assert last == 1_000.5


def test_retries_and_fences_are_counted() -> None:
    registry = Registry()
    recorder = WorkerRecorder(registry, ())
    recorder.retried("sqlstate_40")
    recorder.retried("sqlstate_40")
    recorder.fenced(CRANES)
    found = samples(registry.text())
    assert value(found, "quaystream_commit_retries_total", cause="sqlstate_40") == 2
    assert value(found, "quaystream_fenced_total", topic="crane-events") == 1


def test_writes_of_nothing_count_nothing() -> None:
    empty = Writes("crane", (), lost=(LostRange(TopicPartition("t", 0), 3, 3, "unknown"),))
    assert len(empty.accepted_us) == 0
    assert empty.accepted_us.dtype == np.int64
    assert empty.tally[Outcome.REJECTED, Reason.TOO_OLD] == 0
