"""The worked examples of crane, berth and energy figures."""

from datetime import UTC, datetime, timedelta

import pytest

from streams.facts import productivity as of
from streams.facts.crane_moves import MoveGap
from streams.facts.crane_status import ON, status_intervals, times_of
from streams.facts.crane_time import CAUSES, CraneTime, crane_time, stops
from streams.facts.intervals import Interval, total

DAY = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def clock(start: str, end: str) -> Interval:
    return Interval(when(start), when(end))


def when(text: str) -> datetime:
    hours, minutes = text.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes))


SHIFT = clock("08:00", "16:00")
DELAYS = {
    "breakdown": [clock("10:00", "11:00")],
    "weather": [clock("10:30", "11:30")],
    "no_transport": [clock("13:00", "13:20")],
    "planned_break": [clock("13:10", "13:40")],
}


def test_overlapping_delays_are_deducted_once_and_given_to_one_cause() -> None:
    found = of.crane_productivity(184, CraneTime([SHIFT], [SHIFT], DELAYS))
    assert found.gross_trade == found.gross_tic40 == 23.0
    assert found.net_trade == found.net_tic40 == pytest.approx(31.54, abs=0.005)
    lost = {"weather": 60, "breakdown": 30, "planned_break": 30, "no_transport": 10}
    assert found.delay == {cause: lost.get(cause, 0) * MINUTE for cause in CAUSES}
    assert sum(found.delay.values(), timedelta()) == 130 * MINUTE


def test_a_rate_over_no_time_is_none() -> None:
    assert of.crane_productivity(3, CraneTime([], [], {})).gross_trade is None


def test_availability_follows_from_the_times_between_and_to_repair() -> None:
    assert of.availability(960 * HOUR, 12 * HOUR) == pytest.approx(0.9877, abs=5e-5)
    found = of.reliability([clock("0:00", "20:00")], [clock("4:00", "5:00"), clock("9:00", "10:00")], 300)
    assert (found.failures, found.mtbf, found.mttr, found.availability, found.mmbf) == (2, 9 * HOUR, HOUR, 0.9, 150)
    assert of.reliability([SHIFT], [], 300).mtbf is None


def test_crane_time_intensity() -> None:
    assert of.crane_time_intensity([7.5 * HOUR, 8 * HOUR, 6.25 * HOUR], 9 * HOUR) == pytest.approx(2.417, abs=5e-4)


def test_berth_productivity_and_occupancy() -> None:
    assert of.berth_productivity(1200, 14.5 * HOUR) == pytest.approx(82.76, abs=0.005)
    stays = [clock("0:00", "6:00"), clock("5:00", "8:00")]
    assert of.berth_occupancy(stays, clock("4:00", "12:00")) == 0.5


def test_thirty_boxes_an_hour_instead_of_27_shorten_the_berth_time() -> None:
    assert of.cargo_hours(1200, 3, 27) == pytest.approx(14.81, abs=0.005)
    assert of.cargo_hours(1200, 3, 30) == pytest.approx(13.33, abs=0.005)


def test_energy_per_move_survives_a_reset_of_the_meter() -> None:
    assert of.energy_per_move_kwh(of.meter_delta([17890.0, 18432.5]), 175) == pytest.approx(3.1)
    assert of.meter_delta([10.0, 14.0, 1.5, 2.0]) == 6.0


def test_the_gap_is_a_share_of_the_real_boxes() -> None:
    assert MoveGap(SHIFT, 190, 184, (), ()).ratio == pytest.approx(0.032, abs=5e-4)
    assert MoveGap(SHIFT, 0, 3, (), ()).ratio is None


def test_utilisation_counts_only_what_was_told() -> None:
    told = [("8:00", "working"), ("9:00", "idle"), ("10:00", "off"), ("12:00", "working")]
    minutes = [DAY + n * MINUTE for n in range(8 * 60, 13 * 60)]
    found = status_intervals([{"time": when(at), "status": said} for at, said in told], minutes, SHIFT)
    assert [(one.status, one.start, one.end) for one in found] == [
        ("working", *clock("8:00", "9:00")),
        ("idle", *clock("9:00", "10:00")),
        ("off", *clock("10:00", "12:00")),
        ("working", *clock("12:00", "12:59")),
        ("unknown", *clock("12:59", "16:00")),
    ]
    working, on = total(times_of(found, ["working"])), total(times_of(found, ON))
    assert of.share(working, on) == pytest.approx(119 / 179)


def test_what_was_not_ended_lasts_and_what_ends_without_a_start_had_begun_before() -> None:
    rows = [("9:00", "logged_off"), ("10:00", "allocated"), ("11:00", "delay_start")]
    told = [{"time": when(at), "call_id": "C", "state": state, "delay_code": "WEA"} for at, state in rows]
    found = crane_time(told, SHIFT)
    assert found.logged_on == [clock("8:00", "9:00")]
    assert found.allocated == [clock("10:00", "16:00")]
    assert found.delays["weather"] == [clock("11:00", "16:00")]


def test_only_faults_that_stop_work_are_failures() -> None:
    faults = [("9:00", "A", True, True), ("9:10", "B", True, False), ("9:30", "A", False, True)]
    rows = [{"time": when(at), "code": code, "active": up, "stops_work": stop} for at, code, up, stop in faults]
    assert stops(rows, SHIFT) == [clock("9:00", "9:30")]
