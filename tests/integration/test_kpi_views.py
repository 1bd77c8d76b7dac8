"""The database computes every example of every definition, and cuts time into periods as the site's clock says."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from connectors.timescale.definitions import apply_definitions
from schemas.errors import ConfigurationError
from schemas.kpi import (
    DOMAINS,
    MEASURES,
    NETWORK_DOMAINS,
    Definition,
    ExampleRow,
    current_definitions,
    load_definitions,
)
from tests.support.databases import Database
from tests.support.kpis import DAY, SITE, fact, load

VALUE = """
SELECT value FROM kpi.numbers(%s, 'period', %s, %s)
WHERE site = %s AND kpi_id = %s AND asset IS NULL AND lane IS NULL AND part IS NOT DISTINCT FROM %s
"""
VIEWS = [f"kpi.{domain}_{name}" for domain in (*DOMAINS, *NETWORK_DOMAINS) for name in ("hourly", "shift", "daily")]


def rows_of(kpi: str) -> tuple[ExampleRow, ...]:
    return current_definitions()[kpi].example.rows


def as_reader(database: Database, query: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(database.reader_dsn) as connection:
        return connection.execute(query.encode(), values or None).fetchall()


@pytest.mark.parametrize("one", load_definitions(), ids=lambda one: one.name)
def test_the_database_computes_the_example_of(one: Definition, database: Database) -> None:
    end = DAY + timedelta(days=one.example.days)
    load(database.owner_dsn, one.example.rows, end)
    domain = "crane" if one.domain == "any" else one.domain
    query = VALUE.replace("kpi.numbers(%s, ", "kpi.radio_numbers(") if one.domain == "radio" else VALUE
    values = (DAY, end, SITE, one.kpi_id, one.example.part)
    found = as_reader(database, query, *(() if one.domain == "radio" else (domain,)), *values)
    assert [round(float(str(value)), 6) for (value,) in found] == [one.example.value]


def test_overlapping_delays_are_attributed_once_by_priority(database: Database) -> None:
    load(database.owner_dsn, rows_of("delay_time"))
    found = as_reader(
        database,
        "SELECT part, round(value * 60) FROM kpi.numbers('crane', 'period', %s, %s) "
        "WHERE kpi_id = 'delay_time' AND asset IS NULL ORDER BY 1",
        DAY,
        DAY + timedelta(days=1),
    )
    assert found == [("breakdown", 30), ("no_transport", 10), ("planned_break", 30), ("weather", 60)]


def test_attempts_within_a_cycle_add_nothing_to_counts_times_or_energy(database: Database) -> None:
    whole = fact("port.crane_cycle", started_at="08:00", ended_at="08:02", boxes=1, energy_kwh=3.0)
    rest = [
        fact("port.crane_cycle", started_at="08:01", ended_at="08:01:30", boxes=0, energy_kwh=1.0, outcome=outcome)
        for outcome in ("aborted", "adjustment")
    ]
    gap = fact("port.crane_cycle", started_at="08:02", ended_at="08:12", boxes=2, energy_kwh=5.0, outcome="gap")
    hatch = fact("port.crane_cycle", started_at="08:12", ended_at="08:20", boxes=0, energy_kwh=4.0, outcome="hatch")
    load(database.owner_dsn, [whole, *rest, gap, hatch])
    found = as_reader(
        database,
        "SELECT kpi_id, numerator, denominator FROM kpi.numbers('crane', 'period', %s, %s) WHERE asset IS NULL "
        "AND kpi_id IN ('boxes_per_cycle', 'cycle_time_mean', 'energy_per_move') ORDER BY 1",
        DAY,
        DAY + timedelta(days=1),
    )
    assert found == [("boxes_per_cycle", 3.0, 2.0), ("cycle_time_mean", 120.0, 1.0), ("energy_per_move", 8.0, 2.0)]


def test_the_same_lane_name_at_two_gates_is_two_lanes(database: Database) -> None:
    both = [
        fact("port.gate_visit", gate_in=gate, lane_in="IN1", entered_at="08:00", visit_id=gate)
        for gate in ("GATE01", "GATE02")
    ]
    load(database.owner_dsn, both)
    found = as_reader(
        database,
        "SELECT asset, lane, numerator, denominator FROM kpi.numbers('gate', 'period', %s, %s) "
        "WHERE kpi_id = 'lane_throughput' ORDER BY 1 NULLS LAST",
        DAY,
        DAY + timedelta(days=1),
    )
    gates = [(f"{SITE}-{gate}", "IN1", 1.0, 24.0) for gate in ("GATE01", "GATE02")]
    assert found == [*gates, (None, None, 2.0, 48.0)]


def test_a_cycle_belongs_to_the_shift_in_which_it_ends(database: Database) -> None:
    # The morning shift at UTC+7 is 23:00 to 07:00 UTC.
    early = fact("port.crane_cycle", started_at="06:55", ended_at="06:59:59", boxes=1)
    late = fact("port.crane_cycle", started_at="06:59:59", ended_at="07:00", boxes=2)
    load(database.owner_dsn, [early, late])
    found = as_reader(
        database,
        "SELECT shift, period_start, numerator FROM kpi.crane_shift "
        "WHERE kpi_id = 'boxes_per_cycle' AND asset IS NULL ORDER BY 2",
    )
    assert found == [
        ("morning", datetime(2026, 1, 4, 23, tzinfo=UTC), 1.0),
        ("afternoon", datetime(2026, 1, 5, 7, tzinfo=UTC), 2.0),
    ]


def test_a_day_is_the_sites_day(database: Database) -> None:
    load(database.owner_dsn, [fact("port.crane_cycle", started_at="16:50", ended_at="17:00", boxes=1)])
    found = as_reader(
        database, "SELECT period_start FROM kpi.crane_daily WHERE kpi_id = 'boxes_per_cycle' AND asset IS NULL"
    )
    assert found == [(datetime(2026, 1, 5, 17, tzinfo=UTC),)]


def test_an_open_period_divides_by_what_has_passed_and_says_so(database: Database) -> None:
    load(database.owner_dsn, rows_of("gross_crane_rate"), DAY + timedelta(hours=12))
    found = as_reader(
        database,
        "SELECT denominator, provisional FROM kpi.numbers('crane', 'day', %s, %s) "
        "WHERE kpi_id = 'gross_crane_rate' AND asset IS NOT NULL",
        DAY - timedelta(hours=7),
        DAY,
    )
    assert found == [(4.0, True)]


def test_hours_and_the_day_add_up_to_the_same(database: Database) -> None:
    load(database.owner_dsn, rows_of("net_crane_rate"))
    query = (
        "SELECT round(sum(numerator)), round(sum(denominator)::numeric, 6) FROM kpi.{} "
        "WHERE kpi_id = 'net_crane_rate' AND asset IS NOT NULL"
    )
    (hourly,), (daily,) = (as_reader(database, query.format(view)) for view in ("crane_hourly", "crane_daily"))
    assert hourly == daily
    assert hourly[0] == 184


def test_facts_as_they_were_known_give_numbers_as_they_were_known(database: Database) -> None:
    load(database.owner_dsn, [fact("port.crane_cycle", started_at="08:00", ended_at="08:02", boxes=1)])
    query = "SELECT numerator FROM kpi.numbers('crane', 'period', %s, %s, %s) WHERE kpi_id = 'boxes_per_cycle'"
    span = (DAY, DAY + timedelta(days=1))
    recorded_at = database.value("SELECT max(recorded_at) FROM port.crane_cycle")
    assert as_reader(database, query, *span, recorded_at - timedelta(seconds=1)) == []
    assert {n for (n,) in as_reader(database, query, *span, recorded_at)} == {1.0}


def test_completeness_stands_beside_every_number(database: Database) -> None:
    load(database.owner_dsn, [*rows_of("completeness"), *rows_of("boxes_per_cycle")])
    found = as_reader(
        database,
        "SELECT DISTINCT round(completeness::numeric, 2) FROM kpi.crane_daily WHERE kpi_id = 'boxes_per_cycle'",
    )
    assert [float(str(value)) for (value,) in found] == [0.97]
    minutes = as_reader(
        database,
        "SELECT bucket - %s, received, expected FROM kpi.completeness ORDER BY bucket",
        DAY + timedelta(hours=8),
    )
    # 51 to 53 are missing: a quarter, a half and three quarters of the way from 08:00:49 to 09:00.
    assert [(after, *counts) for after, *counts in minutes] == [
        (timedelta(0), 50, 50),
        (timedelta(minutes=15), 0, 1),
        (timedelta(minutes=30), 0, 1),
        (timedelta(minutes=45), 0, 1),
        (timedelta(minutes=60), 47, 47),
    ]


def test_every_view_answers_the_reader_in_long_form(database: Database) -> None:
    port = [*rows_of("yard_release"), *rows_of("touch_points"), *rows_of("berth_productivity")]
    rows = [*port, *rows_of("drb_accessibility"), *rows_of("radio_rtt_mean")]
    load(database.owner_dsn, rows)
    for view in VIEWS:
        ((n, sites),) = as_reader(database, f"SELECT count(*), count(DISTINCT site) FROM {view}")
        assert (int(str(n)) > 0, sites) == (True, 1), view


@pytest.mark.parametrize(
    "kpi",
    [
        *("gross_crane_rate", "touch_points", "yard_release", "berth_productivity"),
        *("drb_accessibility", "energy_per_move_with_network", "radio_rtt_mean"),
    ],
)
def test_measures_are_those_that_definitions_may_name(kpi: str, database: Database) -> None:
    load(database.owner_dsn, rows_of(kpi))
    one = current_definitions()[kpi]
    made_by = "energy" if one.grain == "energy" else one.domain
    found = as_reader(
        database,
        f"SELECT DISTINCT grain, jsonb_object_keys(measures) "
        f"FROM kpi.{made_by}_measures('period', %s, %s, 'infinity') WHERE grain = %s",
        DAY,
        DAY + timedelta(days=1),
        one.grain,
    )
    assert {str(word) for _, word in found} == set(MEASURES[one.grain])


def test_a_definition_is_loaded_once_and_a_new_version_beside_it(database: Database) -> None:
    one = current_definitions()["boxes_per_cycle"]
    newer = one.model_copy(update={"version": 2, "formula": "another"})
    with psycopg.connect(database.owner_dsn) as connection:
        before = connection.execute("SELECT count(*) FROM kpi.definition").fetchone()
        apply_definitions(connection)
        assert connection.execute("SELECT count(*) FROM kpi.definition").fetchone() == before
        apply_definitions(connection, (newer,))
        found = connection.execute("SELECT kpi_version, formula FROM kpi.definition WHERE kpi_id = 'boxes_per_cycle'")
        assert sorted(found) == [(1, one.formula), (2, "another")]


def test_another_text_under_a_known_version_is_refused(database: Database) -> None:
    changed = current_definitions()["mtbf"].model_copy(update={"formula": "as we like it"})
    with psycopg.connect(database.owner_dsn) as connection, pytest.raises(ConfigurationError, match="mtbf@1"):
        apply_definitions(connection, (changed,))
