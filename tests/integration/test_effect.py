"""Before and after: known answers, worked by hand in the comments, for means and for rates."""

import math
from datetime import timedelta
from statistics import fmean, stdev, variance
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from connectors.timescale.connection import connection_to
from connectors.timescale.kpis import Period, read_effect, set_baseline
from schemas.errors import CheckFailedError, ConfigurationError
from schemas.kpi import ExampleRow
from tests.support.databases import Database
from tests.support.kpis import DAY, SITE, fact, load

BEFORE = Period(SITE, DAY, DAY + timedelta(days=1))
AFTER = Period(SITE, DAY + timedelta(days=1), DAY + timedelta(days=2))
# Touch points of five visits before and six after.
OLD = (12, 10, 11, 12, 9)
NEW = (2, 3, 2, 4, 2, 3)


def visits(touches: tuple[int, ...], day: int) -> list[ExampleRow]:
    hour = 24 * day + 8
    times = {"first_at": f"{hour}:00", "last_at": f"{hour + 1}:00", "left_at": f"{hour + 1}:00"}
    return [fact("port.gate_visit", visit_id=f"{day}-{i}", touch_points=n, **times) for i, n in enumerate(touches)]


def shift_of(boxes: int, day: int) -> list[ExampleRow]:
    """Eight hours allocated, `boxes` single lifts."""
    hour, call_id = 24 * day + 8, f"C{day}"
    lift = {"started_at": f"{hour}:00", "ended_at": f"{hour}:02", "boxes": 1}
    return [
        fact("port.crane_assignment", time=f"{hour}:00", call_id=call_id, state="allocated"),
        fact("port.crane_assignment", time=f"{hour + 8}:00", call_id=call_id, state="released"),
        ExampleRow(table="port.crane_cycle", repeat=boxes, every_s=60, values=lift),
    ]


async def compare(database: Database, rows: list[ExampleRow]) -> dict[str, dict[str, Any]]:
    load(database.owner_dsn, rows, AFTER.until)
    async with connection_to(database.owner_dsn) as connection:
        await set_baseline(connection, BEFORE, "manual gate")
    async with connection_to(database.reader_dsn) as connection:
        return {row["kpi_id"]: row for row in await read_effect(connection, AFTER)}


async def test_means_are_compared_by_welch(database: Database) -> None:
    found = (await compare(database, [*visits(OLD, 0), *visits(NEW, 1)]))["touch_points"]
    # Means 10.8 and 2.6667, variances 1.7 and 0.6667: standard error sqrt(0.34 + 0.11111) = 0.671648,
    # 6.487 degrees of freedom, t = 2.4030 by integrating its density (between the tables' 2.4469 for 6 and 2.3646 for 7).
    assert (found["method"], found["baseline_n"], found["n"]) == ("welch", 5, 6)
    assert found["baseline"] == pytest.approx(fmean(OLD))
    assert found["difference"] == pytest.approx(-8.133333)
    error = math.sqrt(variance(OLD) / 5 + variance(NEW) / 6)
    half = (found["difference_high"] - found["difference_low"]) / 2
    assert half / error == pytest.approx(2.4030, abs=0.001)
    assert found["ratio"] == pytest.approx(2.666667 / 10.8, rel=1e-6)
    log_error = math.sqrt(variance(OLD) / 5 / fmean(OLD) ** 2 + variance(NEW) / 6 / fmean(NEW) ** 2)
    assert math.log(found["ratio_high"] / found["ratio"]) == pytest.approx(half / error * log_error)
    assert math.log(found["ratio"] / found["ratio_low"]) == pytest.approx(half / error * log_error)


async def test_fifty_percent_more_boxes_is_a_query(database: Database) -> None:
    found = (await compare(database, [*shift_of(200, 0), *shift_of(300, 1)]))["gross_crane_rate"]
    # 25 and 37.5 boxes an hour: the log ratio is 0.405465 ± 1.96 * sqrt(1/200 + 1/300) = 0.178922.
    assert (found["baseline"], found["value"], found["method"]) == (25.0, 37.5, "poisson")
    assert found["ratio"] == pytest.approx(1.5)
    assert (found["ratio_low"], found["ratio_high"]) == pytest.approx((1.25425, 1.79390), abs=1e-4)
    # 12.5 ± 1.96 * sqrt(25² / 200 + 37.5² / 300)
    assert (found["difference_low"], found["difference_high"]) == pytest.approx((7.02, 17.98), abs=0.01)


def network(rtt_ms: tuple[float, ...], succeeded: int, day: int) -> list[ExampleRow]:
    """Readings of one device, and a report of ten requests for PDU sessions; nothing else happens at the site."""
    hour = 24 * day + 8
    said = {"time": f"{hour + 1}:00", "object": "AMFFunction=1", "granularity_s": 900, "labels": {}, "unit": "1"}
    counts = {"SM.PDUSessionSetupReq": 10.0, "SM.PDUSessionSetupSucc": float(succeeded)}
    return [
        *(
            fact("port.radio_sample", time=f"{hour}:00:{i:02}", device_id="AGV01", rtt_ms=x)
            for i, x in enumerate(rtt_ms)
        ),
        *(
            fact("port.cell_measurement", **said, name=name, value_si=n, value=n, unit_si="1")
            for name, n in counts.items()
        ),
    ]


async def test_numbers_of_the_network_are_compared_like_all_others(database: Database) -> None:
    before, after = (20.0, 24.0, 28.0, 24.0), (10.0, 14.0, 12.0)
    found = await compare(database, [*network(before, 8, 0), *network(after, 10, 1)])
    rtt = found["radio_rtt_mean"]
    assert (rtt["method"], rtt["baseline"], rtt["value"]) == ("welch", 24.0, 12.0)
    error = math.sqrt(variance(before) / 4 + variance(after) / 3)
    # Welch's degrees of freedom: (8/3 + 4/3)² / ((8/3)² / 3 + (4/3)² / 2) = 4.909; t = 2.586 there (2.571 for 5, 2.776 for 4).
    assert (rtt["difference_high"] + 12.0) / error == pytest.approx(2.586, abs=0.02)
    sessions = found["pdu_session_establishment_success"]
    assert (sessions["baseline"], sessions["value"], sessions["method"]) == (80.0, 100.0, None)


async def test_the_same_twice_is_no_effect(database: Database) -> None:
    found = await compare(database, [*shift_of(200, 0), *shift_of(200, 1), *visits(OLD, 0), *visits(OLD, 1)])
    for kpi in ("gross_crane_rate", "touch_points"):
        assert found[kpi]["ratio"] == pytest.approx(1.0)
        assert found[kpi]["ratio_low"] < 1 < found[kpi]["ratio_high"]


async def test_one_visit_has_no_interval(database: Database) -> None:
    found = (await compare(database, [*visits(OLD, 0), *visits((2,), 1)]))["touch_points"]
    assert found["difference"] == pytest.approx(-8.8)
    assert (found["difference_low"], found["ratio_high"]) == (None, None)


async def test_the_newest_baseline_counts_and_the_view_goes_on_from_its_end(database: Database) -> None:
    await compare(database, [*visits(OLD, 0), *visits(NEW, 1)])
    async with connection_to(database.owner_dsn) as connection:
        await set_baseline(connection, BEFORE, "again")
    with psycopg.connect(database.reader_dsn, row_factory=dict_row) as connection:
        (row,) = connection.execute("SELECT * FROM kpi.effect WHERE kpi_id = 'touch_points'").fetchall()
    assert (row["since_at"], row["until_at"], row["n"]) == (BEFORE.until, AFTER.until, 6)
    assert database.total("kpi.baseline", "kpi_id = 'touch_points'") == 2
    assert database.value("SELECT sd FROM kpi.baseline WHERE kpi_id = 'touch_points' LIMIT 1") == pytest.approx(
        stdev(OLD)
    )


@pytest.mark.parametrize(("df", "t"), [(3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980)])
def test_student_t_is_the_tables(df: int, t: float, database: Database) -> None:
    assert database.value("SELECT kpi.student_t(%s)", df) == pytest.approx(t, abs=0.01)


async def test_no_baseline_no_effect(database: Database) -> None:
    load(database.owner_dsn, visits(NEW, 1), AFTER.until)
    async with connection_to(database.owner_dsn) as connection:
        with pytest.raises(ConfigurationError, match="has no baseline"):
            await read_effect(connection, AFTER)
        with pytest.raises(CheckFailedError, match="no number"):
            await set_baseline(connection, BEFORE, "")
