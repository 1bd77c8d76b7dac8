"""From answers to the port as it stands: statuses, rates, queues, strips; what nobody knows is null."""

from datetime import timedelta

import pytest

from connectors.board.sla import LATENESS
from tests.support.board import (
    CRANE,
    DEVICE,
    GATE,
    NOW,
    SITE,
    ago,
    answers,
    asset,
    crane,
    device,
    gate,
    minute,
    port,
    site,
)

LIVE = [minute(CRANE, NOW.replace(second=0))]
FAULT = {"asset_id": CRANE, "code": "1.4", "time": ago(minutes=3), "severity": "error", "description": "hoist"}


def status(word: str, **span: float) -> list[dict[str, object]]:
    return [{"asset_id": CRANE, "time": ago(**span), "status": word}]


@pytest.mark.parametrize("word", ["working", "idle", "standby", "on", "off"])
def test_a_crane_that_speaks_is_what_it_says(word: str) -> None:
    found = crane(crane_minute=LIVE, status=status(word, hours=2))
    assert (found.status, found.status_since) == (word, ago(hours=2))


def test_a_crane_that_stops_the_work_is_a_fault_whatever_it_says() -> None:
    found = crane(
        crane_minute=LIVE, status=status("working", minutes=9), fault=[{**FAULT, "active": True, "stops_work": True}]
    )
    assert found.status == "fault"
    assert found.fault is not None
    assert (found.fault.code, found.fault.since) == ("1.4", ago(minutes=3))


@pytest.mark.parametrize(("active", "stops_work"), [(False, True), (True, False), (True, None)])
def test_a_fault_that_is_over_or_stops_nothing_leaves_the_status(active: bool, stops_work: bool | None) -> None:
    found = crane(
        crane_minute=LIVE,
        status=status("working", minutes=9),
        fault=[{**FAULT, "active": active, "stops_work": stops_work}],
    )
    assert found.status == "working"


def test_an_active_fault_is_an_alarm_even_where_it_stops_nothing() -> None:
    (alarm,) = site(fault=[{**FAULT, "active": True, "stops_work": False}]).alarms
    assert (alarm.asset, alarm.kind, alarm.severity, alarm.what) == (CRANE, "crane", "error", "1.4")


def test_silence_of_more_than_five_minutes_is_unknown_and_shows_no_last_value() -> None:
    found = crane(crane_minute=[minute(CRANE, ago(minutes=7))], status=status("working", minutes=20))
    assert (found.status, found.load_t_max, found.heard_at) == ("unknown", None, ago(minutes=7))


def test_a_crane_that_said_off_may_be_silent() -> None:
    assert crane(status=status("off", hours=9)).status == "off"


def test_boxes_an_hour_are_of_the_time_the_crane_was_seen() -> None:
    boxes = [{"asset_id": CRANE, "boxes": 9}]
    found = crane(boxes=boxes, observed=[{"asset_id": CRANE, "minutes": 18}])
    assert (found.boxes, found.observed_minutes, found.box_per_h) == (9, 18, 30.0)


def test_nine_minutes_are_too_little_for_a_rate() -> None:
    assert (
        crane(boxes=[{"asset_id": CRANE, "boxes": 9}], observed=[{"asset_id": CRANE, "minutes": 9}]).box_per_h is None
    )


def test_an_hour_has_sixty_minutes_at_most() -> None:
    found = crane(boxes=[{"asset_id": CRANE, "boxes": 30}], observed=[{"asset_id": CRANE, "minutes": 61}])
    assert (found.observed_minutes, found.box_per_h) == (60, 30.0)


def test_a_gate_tells_who_waits_and_for_how_long() -> None:
    found = gate(waiting=[{"asset_id": GATE, "waiting": 4, "since": ago(minutes=6)}])
    assert (found.waiting, found.longest_wait_s, found.visits, found.touch_points) == (4, 360, 0, None)


def judged(device_id: str, *, at: int, state: str, profile: str = "5qi-82") -> dict[str, object]:
    """A minute that began `at` minutes before the current one."""
    bucket = NOW.replace(second=0) - timedelta(minutes=at)
    return {"asset_id": device_id, "profile": profile, "version": 1, "bucket": bucket, "state": state}


PROFILES = [{"profile": name, "version": 1, "target": 0.999} for name in ("5qi-82", "video")]
RADIO = [minute(DEVICE, NOW.replace(second=0))]


def test_the_worst_profile_of_a_minute_is_the_minute() -> None:
    minutes = [
        judged(DEVICE, at=1, state="in"),
        judged(DEVICE, at=1, state="out", profile="video"),
        judged(DEVICE, at=2, state="in"),
        judged(DEVICE, at=2, state="unknown", profile="video"),
        judged(DEVICE, at=4, state="in"),
    ]
    found = device(sla=minutes, profiles=PROFILES, radio_minute=RADIO)
    assert found.strip == "u" * 26 + "iuio"
    assert (found.state, found.strip_until) == ("out", NOW.replace(second=0))
    assert [(p.profile, p.good, p.bad) for p in found.profiles] == [("5qi-82", 3, 0), ("video", 0, 1)]


def test_where_judging_stands_still_the_strip_goes_on_and_is_unknown() -> None:
    found = device(sla=[judged(DEVICE, at=12, state="in")], profiles=PROFILES, radio_minute=RADIO)
    assert found.strip_until == NOW.replace(second=0) - LATENESS
    assert found.strip[-9:] == "i" + "u" * 8
    assert found.state == "unknown"


def test_a_silent_device_is_unknown_whatever_its_last_minute_was() -> None:
    found = device(
        sla=[judged(DEVICE, at=1, state="in")], profiles=PROFILES, radio_minute=[minute(DEVICE, ago(minutes=8))]
    )
    assert (found.state, found.rtt_ms_max) == ("unknown", None)


def test_the_worst_alarms_come_first_and_all_are_counted() -> None:
    def row(n: int, severity: str) -> dict[str, object]:
        asset_id = f"{SITE}-CELL{n:02}"
        return {
            "site": SITE,
            "asset_id": asset_id,
            "severity": severity,
            "condition": "c",
            "specific_problem": None,
            "since": ago(minutes=n),
        }

    found = site(alarms=[*(row(n, "minor") for n in range(60)), row(61, "critical"), row(62, "indeterminate")])
    assert (found.alarms_total, len(found.alarms), found.alarms[0].severity) == (62, 50, "critical")


def test_an_asset_of_a_site_nobody_declared_is_shown_under_its_id() -> None:
    some = [*answers()["assets"], asset("NLRTM-ECT-QC7", "crane")]
    found = port(assets=some).sites[-1]
    assert (found.site, found.name, found.cranes[0].name) == ("NLRTM-ECT", "NLRTM-ECT", "NLRTM-ECT-QC7")


def test_completeness_is_unknown_where_nothing_was_expected() -> None:
    assert site().completeness.value is None
    assert site(completeness=[{"site": SITE, "received": 0, "expected": 0}]).completeness.value is None
    assert site(completeness=[{"site": SITE, "received": 996, "expected": 1000}]).completeness.value == 0.996
