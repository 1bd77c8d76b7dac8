"""Mapping as data: what the file may say, what is refused before anything is read, and records one by one."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from connectors.mapping.decoder import decode
from connectors.mapping.model import Mapping
from connectors.messages.partner import checked, load
from connectors.messages.said import Told, Untold
from schemas.errors import ConfigurationError
from schemas.quantities import QUANTITIES, converted, convertible, unit_of_field
from streams.cli import build_app

FILE: dict[str, Any] = {
    "type": "io.quaystream.crane.sample.v1",
    "subject": "VNHPH-TANVU-{crane.name}",
    "time": {"from": "ts", "unit": "ms"},
    "id": "{crane.name}-{n}",
    "fields": {
        "load_t": {"from": "load", "unit": "kg", "missing": [None, "", -1]},
        "wind_mps": {"from": "wind", "unit": "km/h"},
        "spreader_locked": {"from": "lock", "values": {"1": True, "0": False}},
        "moves_total": "moves",
    },
    "fixed": {"spreader_mode": "single"},
}
RECORD: dict[str, Any] = {
    "ts": 1764547200123,
    "n": 7,
    "crane": {"name": "sts 03"},
    "load": 20500,
    "wind": "36",
    "lock": 1,
}


def mapping(**changes: Any) -> Mapping:
    return checked(Mapping, {**FILE, **changes}, "file")


def with_fields(**fields: Any) -> dict[str, Any]:
    return {"fields": {**FILE["fields"], **fields}}


def made(record: Any, **changes: Any) -> dict[str, Any]:
    (said,) = decode(json.dumps(record).encode(), {}, mapping(**changes))  # type: ignore[arg-type]
    assert isinstance(said, Told), said
    return said.event


def why(record: Any, **changes: Any) -> str:
    (said,) = decode(json.dumps(record).encode(), {}, mapping(**changes))  # type: ignore[arg-type]
    assert isinstance(said, Untold), said
    return said.why


def test_record_becomes_an_event_in_the_fields_units() -> None:
    assert made(RECORD) == {
        "type": "io.quaystream.crane.sample.v1",
        "subject": "VNHPH-TANVU-STS_03",
        "time": "2025-12-01T00:00:00.123Z",
        "id": "sts 03-7",
        "data": {"load_t": 20.5, "wind_mps": 10.0, "spreader_locked": True, "spreader_mode": "single"},
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (with_fields(lod_t="load"), "lod_t is not a field of io.quaystream.crane.sample.v1"),
        ({"type": "crane.nothing.v1"}, "type: crane.nothing.v1 is not an event type"),
        ({"type": "crane.status.v1", "fields": {"reason": "why"}, "fixed": {}}, "status is required by"),
        (
            with_fields(load_t={"from": "load", "unit": "m/s"}),
            "fields.load_t.unit: m/s does not convert to t; these do: kg",
        ),
        (with_fields(load_t={"from": "load", "unit": "stone"}), "fields.load_t.unit: stone does not convert to t"),
        (with_fields(moves_total={"from": "moves", "unit": "t"}), "the name moves_total says no unit"),
        (with_fields(spreader_length_ft={"from": "len", "unit": "m"}), "the name spreader_length_ft says no unit"),
        (with_fields(load_t={"from": "load", "unit": "kg", "values": {"a": 1}}), "has a unit, or values"),
        (with_fields(load_t={"from": "load", "formula": "x*2"}), "fields.load_t.formula: not a word of this file"),
        (with_fields(spreader_mode="mode"), "spreader_mode is both a field and fixed"),
        ({"fixed": {"spreader_mode": "sideways"}}, "fixed.spreader_mode: Input should be 'single', 'twin' or 'tandem'"),
        (with_fields(spreader_locked={"from": "l", "values": {"1": "yes"}}), "fields.spreader_locked.values"),
        ({"subject": "{crane}"}, "subject: {crane} is not <UN/LOCODE>-<site>-<asset>"),
        ({"subject": "VNHPH-TANVU-{crane"}, "has a brace that begins or ends no hole"),
        ({"time": {"from": "ts", "unit": "weeks"}}, "time.unit: Input should be 'iso', 's', 'ms', 'us' or 'ns'"),
        ({"fields": {}, "fixed": {}}, "fields: nothing is mapped"),
    ],
)
def test_mapping_that_cannot_work_is_refused_before_anything_is_read(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        mapping(**changes)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({**RECORD, "load": "heavy"}, "load: 'heavy' is no value of load_t"),
        ({**RECORD, "load": True}, "load: True is no number that we take"),
        ({**RECORD, "load": [1]}, "load: an object or a list, not a value"),
        ({**RECORD, "lock": 7}, "lock: 7 is none of 1, 0"),
        ({**RECORD, "ts": "soon"}, "ts: 'soon' is no time in unit ms (not a number)"),
        ({name: value for name, value in RECORD.items() if name != "ts"}, "ts is missing, and time needs it"),
        ({**RECORD, "crane": {}}, "crane.name is missing"),
        (17, "crane.name is missing"),
    ],
)
def test_record_that_does_not_fit_is_refused_with_its_field(record: Any, said: str) -> None:
    assert why(record) == said


def test_missing_values_are_left_out_and_a_required_one_is_not() -> None:
    assert "load_t" not in made({**RECORD, "load": -1})["data"]
    status = {"type": "crane.status.v1", "fields": {"status": "s"}, "fixed": {}, "id": None}
    assert why(RECORD, **status) == "s is missing, and status needs it"


@pytest.mark.parametrize(
    ("time", "value", "at"),
    [
        ({"from": "ts"}, "2026-01-31T06:00:00+07:00", "2026-01-30T23:00:00.000Z"),
        ({"from": "ts", "offset": "+07:00"}, "2026-01-31 06:00:00", "2026-01-30T23:00:00.000Z"),
        ({"from": "ts", "unit": "s"}, 1764547200.5, "2025-12-01T00:00:00.500Z"),
        ({"from": "ts", "unit": "ns"}, 1764547200123456789, "2025-12-01T00:00:00.123456Z"),
        ("ts", "2026-01-31T06:00:00Z", "2026-01-31T06:00:00.000Z"),
    ],
)
def test_times_are_read_in_the_unit_that_the_mapping_says(time: Any, value: Any, at: str) -> None:
    assert made({**RECORD, "ts": value}, time=time)["time"] == at


def test_time_without_offset_needs_one_from_the_mapping() -> None:
    assert "no offset in it" in why({**RECORD, "ts": "2026-01-31 06:00:00"}, time="ts")


def test_records_may_stand_in_a_list_of_the_document_and_in_delimited_text() -> None:
    nested = json.dumps({"batch": {"rows": [RECORD, {**RECORD, "lock": 9}]}}).encode()
    said = list(decode(nested, {}, mapping(records="batch.rows")))  # type: ignore[arg-type]
    assert [(type(part), part.place) for part in said] == [(Told, "document, record 1"), (Untold, "document, record 2")]
    text = b"ts;name;load\n1764547200123;sts03;20500\n1764547200124;sts03\n1764547200125;sts03;x\n"
    rows = {"input": "csv", "delimiter": "semicolon", "subject": "VNHPH-TANVU-{name}", "id": None}
    loads = {"fields": {"load_t": {"from": "load", "unit": "kg"}}, "fixed": {}}
    said = list(decode(text, {}, mapping(**rows, **loads)))  # type: ignore[arg-type]
    assert [part.place for part in said] == ["line 2", "line 3", "line 4"]
    assert said[0].event["data"] == {"load_t": 20.5}  # type: ignore[union-attr]
    assert [part.why for part in said[1:]] == ["2 columns, the header has 3", "load: 'x' is no value of load_t"]  # type: ignore[union-attr]


def test_names_with_dots_are_found_before_they_are_taken_for_paths() -> None:
    fields = {"load_t": {"from": "crane.load"}}
    assert made({**RECORD, "crane.load": 2.5}, fields=fields)["data"]["load_t"] == 2.5


@pytest.mark.parametrize(
    ("value", "unit", "to", "result"),
    [
        (36, "km/h", "m/s", 10.0),
        (20_500, "kg", "t", 20.5),
        (1, "kn", "m/s", 1852 / 3600),
        (3_600_000, "J", "kWh", 1.0),
        (250, "ms", "s", 0.25),
        (5, "%", "ratio", 0.05),
        (1500, "kbit/s", "Mbit/s", 1.5),
    ],
)
def test_units_convert_by_name(value: float, unit: str, to: str, result: float) -> None:
    assert converted(value, unit, to) == result


def test_units_of_two_kinds_do_not_convert() -> None:
    assert not convertible("kg", "m/s")
    with pytest.raises(ValueError, match="kg is no m/s"):
        converted(1, "kg", "m/s")


def test_every_unit_that_a_field_can_name_is_known() -> None:
    names = ("hoist_speed_mps", "load_t", "rtt_ms", "uplink_mbps", "loss_ratio", "weight_kg", "power_kw", "rsrp_dbm")
    assert all(unit_of_field(name) in QUANTITIES for name in names)


def tried(folder: Path, content: str, *more: str, suffix: str = ".yaml", **changes: Any) -> Any:
    file, sample = folder / f"map{suffix}", folder / "sample.jsonl"
    file.write_text(yaml.safe_dump({**FILE, **changes}) if suffix == ".yaml" else content)
    if suffix == ".yaml":
        sample.write_text(content)
    return CliRunner().invoke(build_app(), ["mapping", "try", str(file), str(sample), *more])


def test_try_prints_the_events_and_a_line_for_each_refusal(tmp_path: Path) -> None:
    result = tried(tmp_path, json.dumps(RECORD) + "\n" + json.dumps({**RECORD, "wind": -1}) + "\n")
    assert str(result.exception) == f"1 of 2 records of {tmp_path / 'sample.jsonl'} become no event"
    assert "sample.jsonl: line 2: wind_mps: Input should be greater than or equal to 0" in result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert [line["data"]["load_t"] for line in lines] == [20.5]
    assert "VNHPH-TANVU-STS_03" in result.stdout.split("{")[0]


def test_try_answers_programs_in_json_and_ends_well_when_all_records_fit(tmp_path: Path) -> None:
    result = tried(tmp_path, json.dumps(RECORD), "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (len(answer["events"]), answer["refused"]) == (1, [])


def test_mapping_may_be_toml(tmp_path: Path) -> None:
    file = tmp_path / "map.toml"
    file.write_text('type = "crane.status.v1"\nsubject = "VNHPH-TANVU-STS03"\ntime = "at"\n[fields]\nstatus = "s"\n')
    assert load(Mapping, file).type == "io.quaystream.crane.status.v1"
    file.write_text("type = ")
    with pytest.raises(ConfigurationError, match=r"map\.toml is not TOML"):
        load(Mapping, file)
