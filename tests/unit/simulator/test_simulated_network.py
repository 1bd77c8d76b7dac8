"""Cells and modems: reports on time, counters with units that are known, radio values in their ranges."""

from collections import Counter, defaultdict
from datetime import datetime
from itertools import pairwise
from statistics import fmean
from typing import Any

import pytest

from schemas.units import UNITS


@pytest.fixture(scope="module")
def readings(events: tuple[Any, ...]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if event.is_("cell.radio"):
            found[event.attributes["subject"]].append(event.data)
    return found


def test_each_object_of_each_cell_reports_once_a_minute_on_the_minute(events: tuple[Any, ...]) -> None:
    reports = [e for e in events if e.is_("cell.measurement")]
    by_object = Counter(e.data["object"] for e in reports)
    assert len(by_object) == 3 * 8
    assert set(by_object.values()) == {39}
    assert {datetime.fromisoformat(e.attributes["time"]).second for e in reports} == {0}


def test_counters_are_reported_in_known_units_with_labels_and_a_histogram(events: tuple[Any, ...]) -> None:
    counters = [m for e in events if e.is_("cell.measurement") for m in e.data["measurements"]]
    assert {m["unit"] for m in counters} <= set(UNITS)
    assert {len(m["bins"]) for m in counters if "bins" in m} == {16}
    assert any(m.get("labels", {}).get("5qi") == 82 for m in counters)
    assert any(m.get("value", 0) is None for m in counters)
    assert any(e.data["suspect"] for e in events if e.is_("cell.measurement"))


def test_heartbeats_come_every_half_minute(events: tuple[Any, ...]) -> None:
    beats: dict[str, list[float]] = defaultdict(list)
    for event in events:
        if event.is_("cell.heartbeat"):
            beats[event.attributes["subject"]].append(datetime.fromisoformat(event.attributes["time"]).timestamp())
    assert len(beats) == 8
    assert {round(b - a) for times in beats.values() for a, b in pairwise(times)} == {30}


def test_alarms_are_raised_before_they_are_cleared(events: tuple[Any, ...]) -> None:
    walked: dict[str, list[str]] = defaultdict(list)
    for event in events:
        if event.is_("cell.alarm"):
            walked[event.data["alarm_id"]].append(event.data["severity"])
    assert len(walked) > 5
    assert all(severities[0] != "cleared" for severities in walked.values())
    assert sum(severities[1:] == ["cleared"] for severities in walked.values()) > len(walked) / 2


def test_every_declared_device_reads_its_radio(readings: dict[str, list[dict[str, Any]]]) -> None:
    sensors = {device for device in readings if "-SENSOR" in device}
    assert (len(readings), len(sensors)) == (37, 6)
    assert all(len(r) == (120 if device in sensors else 2400) for device, r in readings.items())


def test_vehicles_and_robots_tell_their_trips_and_sensors_have_none(events: tuple[Any, ...]) -> None:
    kinds: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event.is_("cell.trip"):
            kinds[event.attributes["subject"].rpartition("-")[2].rstrip("0123456789")].add(event.data["kind"])
    assert kinds == {"AGV": {"line_to_store", "store_to_line"}, "ROBOT": {"belt_to_rack", "rack_to_belt"}}


def test_fades_last_for_seconds_and_cost_loss_and_delay(readings: dict[str, list[dict[str, Any]]]) -> None:
    everything = [r for values in readings.values() for r in values]
    faded = [r for r in everything if r["loss_ratio"] > 1e-4]
    clear = [r for r in everything if r["loss_ratio"] <= 1e-4]
    assert 0.005 < len(faded) / len(everything) < 0.2
    assert mean(r["rsrp_dbm"] for r in faded) < mean(r["rsrp_dbm"] for r in clear) - 10
    assert mean(r["sinr_db"] for r in faded) < mean(r["sinr_db"] for r in clear) - 8
    assert mean(r["rtt_ms"] for r in faded) > mean(r["rtt_ms"] for r in clear)


def test_a_handover_changes_the_serving_cell_and_nothing_else_does(readings: dict[str, list[dict[str, Any]]]) -> None:
    handovers = 0
    for values in readings.values():
        for before, after in pairwise(values):
            assert after["handover"] == (before["serving_cell"] != after["serving_cell"])
            handovers += after["handover"]
    assert handovers > 100


def mean(values: Any) -> float:
    return fmean(values)
