"""Measurement reports to rows: names parted, units by value, interface or registry; what nobody knows is counted."""

import json
from typing import Any

from streams.core.record import TopicPartition
from streams.core.writes import Writes
from tests.support.judging import pipeline, written
from tests.support.records import crane, stretch

CELLS = TopicPartition("cell-events", 0)


def report(measurements: list[dict[str, Any]], **data: Any) -> dict[str, Any]:
    return crane(
        "m1",
        type="io.quaystream.cell.measurement.v1",
        subject="VNHPH-TANVU-CELL03",
        data={"granularity_s": 900, "object": "NRCellDU=3", "measurements": measurements, **data},
    )


def judged(*reports: dict[str, Any]) -> Writes:
    return written([stretch(list(reports), tp=CELLS)], by=pipeline("cell"))


def rows(*reports: dict[str, Any]) -> list[tuple[Any, ...]]:
    made = judged(*reports).rows["port.cell_measurement"].to_pylist()
    names = ("name", "labels", "value", "unit", "value_si", "unit_si")
    return [tuple(json.loads(row[n]) if n == "labels" else row[n] for n in names) for row in made]


def test_name_that_came_undecoded_is_parted_and_its_unit_found() -> None:
    assert rows(report([{"name": "DRB.AirIfDelayUl.5QI82", "value": 74}])) == [
        ("DRB.AirIfDelayUl", {"5qi": "82"}, 74.0, None, 0.0074, "s")
    ]


def test_declared_unit_and_own_labels_win() -> None:
    given = {"name": "DRB.AirIfDelayUl.5QI82", "value": 7.4, "unit": "ms", "labels": {"5qi": 83, "plmn": "45204"}}
    assert rows(report([given])) == [("DRB.AirIfDelayUl", {"5qi": "83", "plmn": "45204"}, 7.4, "ms", 0.0074, "s")]


def test_same_name_and_number_mean_different_things_on_different_interfaces() -> None:
    volume = [{"name": "DRB.PdcpSduVolumeUL", "value": 3}]
    sums = [row[4] for row in rows(report(volume), {**report(volume, interface="e2"), "id": "m2"})]
    assert sums == [3e6, 3e3]


def test_bins_have_their_position_and_the_labels_of_the_name() -> None:
    made = rows(report([{"name": "DRB.UEThpUlDist.5QI82", "bins": [4, 0, 9]}]))
    assert [(name, labels, value, si) for name, labels, value, _, si, unit in made if unit == "count"] == [
        ("DRB.UEThpUlDist", {"5qi": "82", "bin": str(i)}, value, value) for i, value in enumerate([4.0, 0.0, 9.0])
    ]


def test_what_nobody_knows_is_stored_and_counted() -> None:
    given = [
        {"name": "pmVendorThing.5QI82", "value": 4},
        {"name": "pmVendorThing.5QI82", "value": None},
        {"name": "pmOther", "value": 5, "unit": "ms"},
        {"name": "RRU.PrbTotUl", "value": 6, "unit": "furlong"},
        {"name": "RRU.PrbTotUl", "value": None},
        {"name": "RRU.PrbTotUl", "value": 50},
    ]
    assert [row[:3] + row[4:] for row in rows(report(given))] == [
        ("pmVendorThing.5QI82", {}, 4.0, None, None),
        ("pmVendorThing.5QI82", {}, None, None, None),
        ("pmOther", {}, 5.0, 0.005, "s"),
        ("RRU.PrbTotUl", {}, 6.0, None, None),
        ("RRU.PrbTotUl", {}, None, None, None),
        ("RRU.PrbTotUl", {}, 50.0, 0.5, "ratio"),
    ]
    assert judged(report(given)).strange == {"name": 3, "no_unit": 1, "unknown_unit": 1}


def test_minute_adds_up_values_by_base_name_and_labels() -> None:
    deltas = judged(report([{"name": "DRB.UEThpUl.5QI82", "value": 2}]), {**report([
        {"name": "DRB.UEThpUl", "value": 3, "unit": "Mbit/s", "labels": {"5qi": 82}}
    ]), "id": "m2"}).rollups["port.cell_minute"]  # fmt: skip
    (minute,) = deltas.to_pylist()
    assert (minute["name"], minute["labels"], minute["value_si_sum"]) == ("DRB.UEThpUl", '{"5qi":"82"}', 3_002_000.0)
