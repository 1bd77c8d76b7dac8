"""The worked examples of the trade, told as events: through Kafka, a worker and the folds to the numbers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.crane_trace import FIRST, lift
from tests.support.events import Message, event, structured
from tests.support.kpis import SITE
from tests.support.system import System

# Midnight: old enough for 41 days of it to be over, young enough to be kept.
DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=60)
HOUR = 3600.0
SHIFT, ENERGY, FAULTY = (f"{SITE}-STS0{n}" for n in (1, 2, 6))
ALLOCATED = {f"{SITE}-STS03": 7.5, f"{SITE}-STS04": 8.0, f"{SITE}-STS05": 6.25}
DELAYS = (("BRK", 10, 11), ("WEA", 10.5, 11.5), ("TRK", 13, 13 + 1 / 3), ("MEA", 13 + 1 / 6, 13 + 2 / 3))
CALL = {"anchored": 1.0, "berth_arrival": 4.0, "cargo_started": 6.0, "cargo_completed": 15.0, "berth_departure": 18.5}
_ASSET = "SELECT kpi_id, value FROM kpi.numbers('crane', 'period', %s, %s) WHERE asset = %s"
_SITE = "SELECT kpi_id, value FROM kpi.numbers('vessel', 'period', %s, %s) WHERE part IS NULL"


def said(what: str, subject: str, seconds: float, **data: Any) -> Message:
    time = (DAY + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    return structured(event(what, data, subject=subject, time=time))


def lifting(crane: str, start_s: float, count: int, every_s: float, **first: Any) -> Iterator[Message]:
    """`count` lifts; the meter counts 3.1 kWh each, from 17,890.0 on."""
    yield said("crane.sample", crane, start_s, **FIRST | {"energy_total_kwh": 17890.0} | first)
    for n in range(count):
        for at, fields in lift(start_s + n * every_s, energy_total_kwh=round(17890.0 + 3.1 * (n + 1), 1)):
            yield said("crane.sample", crane, at, **fields)


def assigned(crane: str, call: str, state: str, hour: float, **more: Any) -> Message:
    return said("crane.assignment", crane, hour * HOUR, call_id=call, state=state, **more)


def shift() -> Iterator[Message]:
    """Eight hours with four delays that overlap, 184 boxes, each confirmed by a job."""
    yield from (assigned(SHIFT, "C9", state, 8) for state in ("allocated", "logged_on"))
    for code, since, until in DELAYS:
        yield assigned(SHIFT, "C9", "delay_start", since, delay_code=code)
        yield assigned(SHIFT, "C9", "delay_end", until, delay_code=code)
    yield from (assigned(SHIFT, "C9", state, 16) for state in ("logged_off", "released"))
    yield from lifting(SHIFT, 8 * HOUR, 184, 150)
    for n in range(184):
        at = 8 * HOUR + n * 150 + 93
        yield said("crane.job", SHIFT, at, job_id=f"J{n}", step="delivered", boxes=1, move_kind="discharge")


def failure() -> Iterator[Message]:
    """On for 972 hours, down for 12 of them."""
    yield said("crane.status", FAULTY, 0, status="on")
    for hour, is_active in ((6, True), (18, False)):
        fault = {"code": "F1", "severity": "critical", "active": is_active, "stops_work": True}
        yield said("crane.fault", FAULTY, hour * HOUR, **fault)
    yield said("crane.status", FAULTY, 972 * HOUR, status="off")


def call() -> Iterator[Message]:
    """Three cranes, 600 twin lifts of 2 boxes, 14.5 hours at the berth, 9 of them cargo operations."""
    for crane, hours in ALLOCATED.items():
        yield assigned(crane, "C1", "allocated", 6)
        yield assigned(crane, "C1", "released", 6 + hours)
        yield from lifting(crane, 6 * HOUR, 200, 112, spreader_mode="twin", spreader_length_ft=20)
    for milestone, hour in CALL.items():
        told = {"imo": "9074729", "call_id": "C1", "milestone": milestone, "classifier": "ACT", "berth": "B1"}
        yield said("vessel.milestone", f"{SITE}-9074729", hour * HOUR, **told)


def seen_later() -> Message:
    """Any event of the site says that the 41 days are over."""
    return said("crane.status", f"{SITE}-RTG01", 984 * HOUR, status="off")


def test_the_worked_examples_of_the_trade_come_out_of_their_events(system: System) -> None:
    system.send(*shift(), *lifting(ENERGY, 8 * HOUR, 175, 150), *failure(), *call(), seen_later())
    worker = system.workers.start("--until-caught-up")
    assert worker.ended(120) == 0, worker.log()
    assert system.database.total("ingest.dead_letter") == 0
    span = (DAY, DAY + timedelta(days=41))
    of_shift, of_energy, of_faulty = (
        dict(system.database.rows(_ASSET, *span, crane)) for crane in (SHIFT, ENERGY, FAULTY)
    )
    for kpi in ("gross_productivity_tic40", "gross_crane_rate"):
        assert of_shift[kpi] == pytest.approx(23.0)
    for kpi in ("net_productivity_tic40", "net_crane_rate"):
        assert of_shift[kpi] == pytest.approx(31.542857)
    assert of_energy["energy_per_move"] == pytest.approx(3.1)
    assert of_faulty["availability"] == pytest.approx(98.765432)
    of_call = dict(system.database.rows(_SITE, *span))
    assert of_call["crane_time_intensity"] == pytest.approx(2.416667, abs=1e-6)
    assert of_call["berth_productivity"] == pytest.approx(82.758621)
