"""The ledger's arithmetic and words, without a database."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.kafka.positions import OffsetSpan
from connectors.timescale.ledger import Ledger, PartitionLine, check_counts, check_partitions
from connectors.timescale.rollup_check import hours_from_minutes, minutes_from_raw
from connectors.timescale.row_check import Counts
from connectors.timescale.truth_check import by_key, compare_rows, read_truth, run_header
from schemas.errors import CheckFailedError, ConfigurationError, ServiceUnreachableError
from schemas.tables import CELL, CRANE, GATE, ROLLUPS
from streams.cli.doctor import Finding, conclude
from streams.cli.span import span_option
from streams.cli.verify import beyond_the_end, lag_by_topic, open_notes

LINE = PartitionLine("quaystream", "crane-events", 3, 10, 20, accepted=6, duplicate=1, rejected=2, missing=1)
PLACE = LINE.place


def counts(accepted: int = 6, rejected: int = 2, missing: int = 1) -> Counts:
    return Counts(Counter({PLACE: accepted}), Counter({PLACE: rejected}), Counter({PLACE: missing}))


def test_a_partition_whose_outcomes_add_up_has_no_difference() -> None:
    assert LINE.difference == 0
    assert check_partitions([LINE]) == []
    assert check_counts([LINE], counts()) == []


@pytest.mark.parametrize("outcome", ["accepted", "duplicate", "rejected", "missing"])
def test_a_record_too_many_in_any_outcome_is_a_difference(outcome: str) -> None:
    line = replace(LINE, **{outcome: getattr(LINE, outcome) + 1})
    assert line.difference == -1
    assert check_partitions([line]) == ["crane-events[3]: offsets 10..20 have 10 records, their outcomes add up to 11"]


@pytest.mark.parametrize("outcome", ["accepted", "rejected", "missing"])
def test_counts_are_compared_with_what_is_stored(outcome: str) -> None:
    stored = counts(**{outcome: 7})
    (difference,) = check_counts([LINE], stored)
    assert difference.startswith(f"crane-events[3]: {getattr(LINE, outcome)} {outcome}, but 7 ")


def test_what_a_reset_set_aside_is_not_counted_again() -> None:
    before = {PLACE: Counter(accepted=100, rejected=10, missing=1)}
    stored = replace(counts(106, 12, 2), reset=before)
    assert check_counts([LINE], stored) == []


def test_stored_records_of_a_partition_nobody_claimed_are_a_difference() -> None:
    assert check_counts([], counts()) == ["crane-events[3]: has stored records but no row in ingest.partition_offset"]


def test_a_ledger_with_differences_is_not_ok() -> None:
    ledger = Ledger((LINE,), ())
    assert ledger.ok
    assert not ledger.with_differences(["x"]).ok
    assert ledger.with_differences(["x"]).as_json()["differences"] == ["x"]


def test_lag_counts_partitions_that_nobody_has_claimed() -> None:
    spans = {PLACE: OffsetSpan(0, 25), ("gate-events", 0): OffsetSpan(5, 9)}
    assert lag_by_topic([LINE], spans) == {"crane-events": 5, "gate-events": 4}
    assert open_notes([LINE], spans, 0, 0, 0) == ["crane-events: 5 records wait", "gate-events: 4 records wait"]


def test_nothing_is_open_when_fences_are_at_the_ends_and_letters_are_relayed() -> None:
    spans = {PLACE: OffsetSpan(0, 20)}
    assert open_notes([LINE], spans, 0, 0, 0) == []
    assert open_notes([LINE], spans, 2, 3, 1_500) == [
        "2 dead letters are not relayed yet",
        "1,500 minutes are not added up yet",
        "3 hours are not added up yet",
    ]


def test_a_fence_past_the_end_is_no_lag_but_a_difference() -> None:
    spans = {PLACE: OffsetSpan(0, 19)}
    assert lag_by_topic([LINE], spans).total() == 0
    (difference,) = beyond_the_end([LINE], spans)
    assert difference.startswith("crane-events[3]: the fence is at 20, the topic ends at 19")


def test_every_measure_is_recomputed_at_both_sizes() -> None:
    for rollup in ROLLUPS:
        for sql in (minutes_from_raw(rollup), hours_from_minutes(rollup)):
            for measure in rollup.measures:
                assert f" AS {measure.column}" in sql
        assert all(f"FROM {table}" in minutes_from_raw(rollup) for table in rollup.contributions)


MINUTE = {"bucket": "2026-01-01T08:00:00Z", "crane_id": "S-C1", "load_t_sum": 0.3, "samples": 2, "load_t_max": None}


@pytest.mark.parametrize(
    ("column", "value", "differs"),
    [
        ("load_t_sum", 0.1 + 0.2, False),
        ("load_t_sum", 0.3000001, True),
        ("samples", 3, True),
        ("load_t_max", 0.0, True),
    ],
)
def test_a_minute_is_compared_with_the_truth(column: str, value: float, differs: bool) -> None:
    expected = by_key(CRANE, [MINUTE])
    actual = by_key(CRANE, [{**MINUTE, column: value}])
    assert bool(compare_rows(CRANE, expected, actual)) is differs


def test_keys_agree_whatever_the_offset_and_the_order_of_labels() -> None:
    row = {"cell_id": "N", "object": "o", "name": "n"}
    (of_truth,) = by_key(CELL, [{**row, "bucket": "2026-01-01T15:00:00+07:00", "labels": {"b": 1, "a": "x"}}])
    (of_database,) = by_key(CELL, [{**row, "bucket": "2026-01-01T08:00:00+00:00", "labels": '{"a": "x", "b": 1}'}])
    assert of_truth == of_database


def test_only_the_first_few_wrong_minutes_are_told() -> None:
    expected = by_key(GATE, [{"bucket": "2026-01-01T08:00:00Z", "gate_id": "G", "lane": str(n)} for n in range(9)])
    told = compare_rows(GATE, expected, {})
    assert len(told) == 4
    assert told[-1] == "truth: port.gate_minute: 6 more rows differ"


def test_the_run_is_found_by_its_header_as_it_is_stored() -> None:
    assert json.loads(run_header("RUN")) == [["qs-run", "UlVO"]]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"run": 1}', "\udcff"])
def test_what_is_no_truth_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "truth.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigurationError, match="is not a truth file"):
        read_truth(file)


def test_spans_on_the_command_line() -> None:
    assert span_option("--wait", "2m") == timedelta(minutes=2)
    assert span_option("--wait", None) is None
    with pytest.raises(ConfigurationError, match="--wait soon"):
        span_option("--wait", "soon")


def test_the_worst_finding_decides_how_the_doctor_ends() -> None:
    fine, wrong, away = Finding("a", "note", ""), Finding("b", "wrong", ""), Finding("c", "unreachable", "")
    conclude([fine])
    with pytest.raises(CheckFailedError, match="b"):
        conclude([fine, wrong])
    with pytest.raises(ServiceUnreachableError, match="c"):
        conclude([wrong, away, fine])
