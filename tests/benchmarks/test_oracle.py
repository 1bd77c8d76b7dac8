"""The oracle knows what must be stored, and says in words what is not."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from streams.cli.benchmark.oracle import Expected, differences, expect
from streams.cli.benchmark.workload import Workload

# Half a minute before an hour ends: 400 steps of 100 ms reach 10 s into the next.
START_US = int(datetime(2026, 3, 1, 9, 59, 30, tzinfo=UTC).timestamp()) * 1_000_000
WORKLOAD = Workload("bench", START_US, cranes=2)
NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)
TEN = datetime(2026, 3, 1, 10, tzinfo=UTC)


def expected() -> Expected:
    return expect(WORKLOAD.samples(800))


def rows_of(expected: Expected) -> list[dict[str, Any]]:
    """The minutes as a database would answer them."""
    return [
        {"bucket": bucket, "crane_id": crane, **asdict(totals)} for (bucket, crane), totals in expected.minutes.items()
    ]


def test_every_event_is_expected_once() -> None:
    assert expected().rows == 800
    assert sum(totals.samples for totals in expected().minutes.values()) == 800


def test_events_fall_into_their_own_minute_and_hour() -> None:
    crane = WORKLOAD.names[0]
    assert {key: totals.samples for key, totals in expected().minutes.items() if key[1] == crane} == {
        (NINE.replace(minute=59), crane): 300,
        (TEN, crane): 100,
    }
    assert {key[0] for key in expected().hours} == {NINE, TEN}


def test_absent_loads_are_not_counted() -> None:
    loads = [sample.load_t for sample in WORKLOAD.samples(800) if sample.crane == WORKLOAD.names[0]]
    present = [load for load in loads[:300] if load is not None]
    totals = expected().minutes[NINE.replace(minute=59), WORKLOAD.names[0]]
    assert (totals.load_t_count, totals.load_t_max) == (len(present), max(present))
    assert 0 < len(present) < 300


def test_what_is_as_expected_has_no_difference() -> None:
    assert differences("minute", rows_of(expected()), expected().minutes) == []


def test_a_missing_minute_is_named() -> None:
    rows = rows_of(expected())[1:]
    assert differences("minute", rows, expected().minutes) == ["minute 2026-03-01T09:59Z VNHPH-TANVU-STS000: missing"]


def test_a_minute_with_nothing_behind_it_is_named() -> None:
    stray = {**rows_of(expected())[0], "crane_id": "VNHPH-TANVU-STS999"}
    faults = differences("minute", [*rows_of(expected()), stray], expected().minutes)
    assert faults == ["minute 2026-03-01T09:59Z VNHPH-TANVU-STS999: nothing behind it"]


def test_a_repeated_event_is_seen_in_the_counts() -> None:
    first, *others = rows_of(expected())
    faults = differences("minute", [{**first, "samples": 301}, *others], expected().minutes)
    assert faults == ["minute 2026-03-01T09:59Z VNHPH-TANVU-STS000: samples is 301, expected 300"]


def test_an_absent_maximum_is_a_difference() -> None:
    first, *others = rows_of(expected())
    (fault,) = differences("minute", [{**first, "load_t_max": None}, *others], expected().minutes)
    assert "load_t_max is None" in fault


def test_sums_in_another_order_are_no_difference() -> None:
    first, *others = rows_of(expected())
    near = {**first, "load_t_sum": first["load_t_sum"] * (1 + 1e-12)}
    assert differences("minute", [near, *others], expected().minutes) == []


def test_columns_that_a_table_lacks_are_not_compared() -> None:
    rows = [{name: value for name, value in row.items() if name != "sequences"} for row in rows_of(expected())]
    assert differences("minute", rows, expected().minutes) == []


def test_many_differences_are_cut_short_and_counted() -> None:
    totals = {(TEN.replace(minute=m), "A"): replace(t) for m, t in enumerate([*expected().minutes.values()] * 2)}
    faults = differences("raw", [], totals)
    assert len(faults) == 4
    assert faults[-1] == f"raw: {len(totals) - 3} more"
