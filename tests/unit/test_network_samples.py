"""Every sample of VES and PM files becomes its golden rows, and a malformed variant exactly one dead letter."""

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.network import (
    ALARM,
    MALFORMED,
    MEASURED,
    PM_FILES,
    VES,
    Malformed,
    become,
    measurements,
    rows_of,
)
from tests.support.network_oracle import pm_rows, summed, ves_rows
from tests.unit.test_ves import performance

WRITES = os.environ.get("QUAYSTREAM_TEST_WRITE_GOLDEN") == "1"
LARGE = "A20220418.1900-1915_seliitdus00487"


def golden(path: Path, worked_out: Any) -> Any:
    """The golden file of a sample; what it holds was worked out by the oracle, never by the code under test."""
    file = path.parent / "golden" / f"{path.stem}.json"
    if WRITES:
        file.write_text(json.dumps(worked_out, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


def measured(path: Path) -> list[dict[str, Any]]:
    writes = become(path)
    rows = rows_of(writes, "port.cell_measurement")
    # No counter of the samples is one of TS 28.552, and none declares a unit: so nothing is in SI, and all is counted.
    assert {(row["unit"], row["value_si"], row["unit_si"]) for row in rows} <= {(None, None, None)}
    return measurements(writes)


@pytest.mark.parametrize("path", PM_FILES, ids=lambda path: path.stem)
def test_pm_file_becomes_its_golden_rows(path: Path) -> None:
    expected, found = pm_rows(path), measured(path)
    by = lambda row: json.dumps(row, sort_keys=True)  # noqa: E731
    if path.stem == LARGE:
        assert summed(found) == golden(path, summed(expected))
        assert sorted(map(by, found)) == sorted(by({name: row[name] for name in MEASURED}) for row in expected)
    else:
        assert sorted(found, key=by) == golden(path, sorted(expected, key=by))


def test_vendors_file_has_the_values_that_were_counted_with_another_program() -> None:
    (path,) = [path for path in PM_FILES if path.stem == LARGE]
    rows = measured(path)
    # Plain numbers, elements of comma lists, blank values; values of the two suspect measValue (three lists, four numbers).
    plain = [row for row in rows if "bin" not in row["labels"]]
    assert (len(plain), sum(row["value"] is None for row in plain)) == (2231 + 27, 27)
    lists = Counter((row["object"], row["name"], row["labels"]["bin"] == "0") for row in rows if "bin" in row["labels"])
    assert sum(count for (_, _, is_first), count in lists.items() if is_first) == 409
    assert len(rows) - len(plain) == 9737
    suspect = {(row["object"], row["name"]) for row in rows if row["suspect"]}
    assert len(suspect) == 7
    assert become(path).strange["name"] == len(rows) == 11_995


@pytest.mark.parametrize("path", VES, ids=lambda path: path.stem)
def test_ves_message_becomes_its_golden_rows(path: Path) -> None:
    writes = become(path)
    alarms = [{n: row[n] for n in ALARM if row[n] is not None} for row in rows_of(writes, "port.cell_alarm_event")]
    found = {"measurements": measured(path), "alarms": alarms}
    # Alarms are written by hand.
    by_hand = json.loads((path.parent / "golden" / path.name).read_text())["alarms"]
    assert found == golden(path, {"measurements": ves_rows(path), "alarms": by_hand})


@pytest.mark.parametrize("one", MALFORMED, ids=lambda one: f"{one.sample.stem}-{one.fault}")
def test_malformed_sample_is_one_dead_letter_and_keeps_the_rest(one: Malformed, tmp_path: Path) -> None:
    path = tmp_path / one.sample.name
    path.write_bytes(one.spoil(one.sample.read_bytes()))
    writes = become(path)
    assert [letter.refusal.reason.value for letter in writes.dead_letters] == [one.reason]
    assert sum(step.accepted for step in writes.progress) == one.accepted
    # The gateway's own words.
    assert writes.dead_letters[0].refusal.detail == dict(writes.dead_letters[0].record.headers)["qs-undecoded"].decode()


@pytest.mark.parametrize("path", PM_FILES[:2], ids=lambda path: path.stem)
def test_gzip_changes_nothing_but_the_identity(path: Path, tmp_path: Path) -> None:
    packed = tmp_path / f"{path.name}.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert measured(packed) == measured(path) if packed.suffix == path.suffix else rows(packed) == rows(path)


def rows(path: Path) -> list[dict[str, Any]]:
    found = rows_of(become(path, "pm-xml"), "port.cell_measurement")
    return [{name: row[name] for name in MEASURED} for row in found]


def test_gzip_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    packed = tmp_path / "half.xml.gz"
    whole = gzip.compress(PM_FILES[1].read_bytes())
    packed.write_bytes(whole[: len(whole) * 3 // 4])
    writes = become(packed, "pm-xml")
    assert [letter.refusal.reason.value for letter in writes.dead_letters] == ["undecodable"]
    assert writes.dead_letters[0].record.value == packed.read_bytes()
    assert 0 < sum(step.accepted for step in writes.progress) < 125


def test_same_file_gives_the_same_bytes_every_time() -> None:
    from connectors.network.files import NetworkFile
    from connectors.network.subjects import Subjects

    first, second = (list(NetworkFile(PM_FILES[1], "pm-xml", Subjects())(None)) for _ in range(2))
    assert [r.value for r in first] == [r.value for r in second]
    ids = [json.loads(r.value or b"")["id"] for r in first]
    assert len(set(ids)) == len(ids) == 125


def test_the_standards_example_is_stored_in_si(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps({"event": performance()}))
    rows = rows_of(become(file), "port.cell_measurement")
    found = [(r["object"], r["name"], r["labels"], r["value"], r["value_si"], r["unit_si"], r["suspect"]) for r in rows]
    assert found == [
        ("NRCellDU=3", "DRB.UEThpUl", {"5qi": "82"}, 48_250.0, 4.825e7, "bit/s", False),
        ("NRCellDU=3", "DRB.AirIfDelayUl", {"5qi": "82"}, 74.0, 0.0074, "s", False),
        ("NRCellDU=3", "RRU.PrbTotUl", {}, 63.0, 0.63, "ratio", False),
        ("NRCellDU=3", "DRB.PacketLossRateUl", {}, 180.0, 0.00018, "ratio", False),
        ("NRCellDU=4", "RRU.PrbTotUl", {}, 9.0, 0.09, "ratio", True),
    ]
    assert {(row["time"], row["granularity_s"]) for row in rows} == {("2026-11-24T02:00:00+00:00", 60)}
