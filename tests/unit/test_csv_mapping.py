"""Delimited text becomes events: every row one event with its own time, or refused with its line and a reason."""

import json
from collections import Counter
from collections.abc import Mapping as MappingOf
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.csv.events import asset_name, origin_of, read_events
from connectors.csv.mapping import Mapping, load_mapping
from connectors.kafka.outgoing import Outgoing, Refused
from schemas.errors import ConfigurationError
from schemas.events import MODELS
from schemas.topics import TOPIC_BY_TYPE
from streams.core.decode import Decoder
from streams.core.envelope import Event

RADIO = "io.quaystream.cell.radio.v1"
TRACES = Path(__file__).parent.parent / "data" / "radio"
BASE: dict[str, Any] = {
    "type": RADIO,
    "time": {"column": "t", "unit": "ms"},
    "fields": {"rsrp_dbm": {"column": "p", "type": "number"}},
}
NOON = "1721217600000"  # 2024-07-17T12:00:00Z

# Rows, first and last time, rows per cell, and minimum, maximum and sum of each value, counted with another program.
FACTS: dict[str, tuple[int, str, str, dict[str, int], dict[str, tuple[int, int, int]]]] = {
    "urban_n8_v0_run01": (
        1207,
        "2024-07-17T07:08:24.086Z",
        "2024-07-17T07:09:33.667Z",
        {"5C4225714": 1207},
        {"rsrp_dbm": (-72, -71, -86127), "sinr_db": (4, 7, 6712), "rtt_ms": (14, 274, 23311)},
    ),
    "arterial_n8_v50_run01": (
        1493,
        "2024-07-24T07:46:48.513Z",
        "2024-07-24T07:47:55.860Z",
        {"5C4225714": 1493},
        {"rsrp_dbm": (-67, -55, -90638), "sinr_db": (7, 11, 14043), "rtt_ms": (14, 115, 32561)},
    ),
    "south_n8_v0_02": (
        481,
        "2024-07-18T07:58:14.146Z",
        "2024-07-18T07:58:41.129Z",
        {"5C4225714": 481},
        {"rsrp_dbm": (-84, -84, -40404), "sinr_db": (21, 24, 10353), "rtt_ms": (15, 1084, 85163)},
    ),
    "arterial_n78_v80_run01": (
        979,
        "2024-08-02T07:46:11.162Z",
        "2024-08-02T07:47:05.088Z",
        {"5C422503D": 309, "5C42D3015": 238, "5C42D301F": 237, "5C42D300B": 195},
        {"rsrp_dbm": (-76, -55, -62106), "sinr_db": (0, 24, 12567), "rtt_ms": (13, 271, 18908)},
    ),
    "s2w_n78_v50_run02": (
        317,
        "2024-07-31T09:18:17.058Z",
        "2024-07-31T09:18:34.602Z",
        {"5C407000B": 317},
        {"rsrp_dbm": (-84, -77, -25123), "sinr_db": (8, 13, 3611), "rtt_ms": (13, 32, 5219)},
    ),
}


class Text:
    """Writes a file and reads its events."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "trace 1.csv"

    def read(self, content: str | bytes, mapping: MappingOf[str, Any]) -> tuple[list[dict[str, Any]], list[Refused]]:
        self.path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return split(read_all(self.path, Mapping.model_validate(mapping)))


@pytest.fixture
def text(tmp_path: Path) -> Text:
    return Text(tmp_path)


def read_all(path: Path, mapping: Mapping, shift: timedelta | None = None) -> list[Outgoing | Refused]:
    return list(read_events(path, mapping, replace(origin_of(path), shift=shift), "cell-events"))


def split(found: list[Outgoing | Refused]) -> tuple[list[dict[str, Any]], list[Refused]]:
    events = [json.loads(record.value or b"") for record in found if isinstance(record, Outgoing)]
    return events, [record for record in found if isinstance(record, Refused)]


@pytest.mark.parametrize("name", FACTS)
def test_every_row_of_a_published_trace_becomes_an_event(name: str) -> None:
    events, refused = split(read_all(TRACES / f"{name}.txt", load_mapping("cicv5g")))
    rows, first, last, cells, values = FACTS[name]
    assert refused == []
    assert len(events) == rows
    assert (events[0]["time"], events[-1]["time"]) == (first, last)
    assert {event["subject"] for event in events} == {f"VNHPH-DEEPC2-{name.upper()}"}
    assert Counter(event["data"]["serving_cell"] for event in events) == cells
    for field, expected in values.items():
        numbers = [event["data"][field] for event in events]
        assert (min(numbers), max(numbers), sum(numbers)) == expected
    assert [int(event["sequence"]) for event in events] == list(range(1, rows + 1))


@pytest.mark.parametrize("name", FACTS)
def test_the_worker_takes_every_event_of_a_published_trace(name: str) -> None:
    decoder = Decoder([MODELS[type_] for type_ in TOPIC_BY_TYPE[RADIO].types], 1_048_576)
    records = [r for r in read_all(TRACES / f"{name}.txt", load_mapping("cicv5g")) if isinstance(r, Outgoing)]
    taken = decoder.decode([Fetched(record) for record in records]).events
    assert [isinstance(event, Event) for event in taken] == [True] * FACTS[name][0]


class Fetched:
    """An outgoing record as the worker sees it."""

    offset = 0
    timestamp = 0

    def __init__(self, record: Outgoing) -> None:
        self.key, self.value = record.key, record.value
        self.headers = [(name, value or b"") for name, value in record.headers]


def test_columns_without_a_name_in_the_header_get_theirs() -> None:
    events, _ = split(read_all(TRACES / "s2w_n78_v50_run02.txt", load_mapping("cicv5g")))
    assert events[0]["data"]["current_x_m"] == pytest.approx(329084.3848622964)
    assert events[0]["data"]["current_y_m"] == pytest.approx(3462979.2509210045)


def test_rows_of_two_layouts_may_follow_each_other(text: Text) -> None:
    mapping = BASE | {"delimiter": "whitespace", "unnamed": ["x", "y"], "widths": [2, 4]}
    mapping["fields"] = BASE["fields"] | {"x_m": {"column": "x", "type": "number"}}
    events, refused = text.read(f"t p\n{NOON} -70 \n{NOON} -71 5.5 6\n{NOON} -72 5.5\n", mapping)
    assert [event["data"] for event in events] == [{"rsrp_dbm": -70.0}, {"rsrp_dbm": -71.0, "x_m": 5.5}]
    assert refused == [Refused(4, "3 columns, expected 2 or 4")]


def test_refused_rows_say_line_and_reason_and_leave_no_gap_in_the_sequence(text: Text) -> None:
    lines = ["t,p", f"{NOON},-70", f"{NOON}", "soon,-70", f"{NOON},71", "", f"{NOON},-7O", f"{NOON},-72"]
    events, refused = text.read("\n".join(lines), BASE)
    assert [(event["id"][-2:], event["sequence"]) for event in events] == [("-2", "1"), ("-8", "2")]
    assert [(row.line, row.reason) for row in refused] == [
        (3, "1 columns, expected 2"),
        (4, "t: 'soon' is no time in unit ms (not a number)"),
        (5, "rsrp_dbm: Input should be less than or equal to -31, not 71.0"),
        (7, "p: '-7O' is no number"),
    ]


def test_hexadecimal_cell_that_looks_like_a_number_stays_text(text: Text) -> None:
    mapping = BASE | {"fields": {"serving_cell": {"column": "p", "type": "text"}}}
    events, _ = text.read(f"t,p\n{NOON},5E42\n{NOON},0071\n", mapping)
    assert [event["data"]["serving_cell"] for event in events] == ["5E42", "0071"]


@pytest.mark.parametrize("cell", ["nan", "inf", "-Infinity", "1_0", "0x10", "1e400", "٣", "1,5", "--1"])
def test_what_is_no_plain_number_is_refused(text: Text, cell: str) -> None:
    events, refused = text.read(f"t;p\n{NOON};{cell}\n", BASE | {"delimiter": "semicolon"})
    assert events == []
    assert [row.line for row in refused] == [2]


@pytest.mark.parametrize(
    ("unit", "cell", "time"),
    [
        ("ms", "1721217600001", "2024-07-17T12:00:00.001Z"),
        ("us", "1721217600000001", "2024-07-17T12:00:00.000001Z"),
        ("s", "1721217600", "2024-07-17T12:00:00.000Z"),
        ("s", "1721217600.25", "2024-07-17T12:00:00.250Z"),
        ("s", "1.7212176e9", "2024-07-17T12:00:00.000Z"),
        ("iso", "2024-07-17T19:00:00+07:00", "2024-07-17T12:00:00.000Z"),
        ("iso", "2024-07-17 12:00:00.5Z", "2024-07-17T12:00:00.500Z"),
    ],
)
def test_time_is_read_in_its_unit(text: Text, unit: str, cell: str, time: str) -> None:
    events, refused = text.read(f"t,p\n{cell},-70\n", BASE | {"time": {"column": "t", "unit": unit}})
    assert refused == []
    assert events[0]["time"] == time


def test_local_time_needs_the_offset_of_the_mapping(text: Text) -> None:
    local = "t,p\n2024-07-17T19:00:00,-70\n"
    events, refused = text.read(local, BASE | {"time": {"column": "t", "unit": "iso"}})
    assert events == []
    assert "no offset in it" in refused[0].reason
    events, _ = text.read(local, BASE | {"time": {"column": "t", "unit": "iso", "offset": "+07:00"}})
    assert events[0]["time"] == "2024-07-17T12:00:00.000Z"


@pytest.mark.parametrize(
    ("unit", "cell"), [("ms", "1721217600"), ("s", NOON), ("ms", "-1"), ("iso", "17.07.2024"), ("s", "")]
)
def test_time_in_another_unit_is_refused(text: Text, unit: str, cell: str) -> None:
    events, refused = text.read(f"t,p\n{cell},-70\n", BASE | {"time": {"column": "t", "unit": unit}})
    assert events == []
    assert refused[0].reason.startswith("t")


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ({}, "VNHPH-DEEPC2-TRACE_1"),
        ({"site": "VNHPH-TANVU"}, "VNHPH-TANVU-TRACE_1"),
        ({"value": "VNHPH-TANVU-AGV01"}, "VNHPH-TANVU-AGV01"),
        ({"column": "d"}, "VNHPH-DEEPC2-AGV11"),
        ({"column": "d", "site": "VNHPH-TANVU"}, "VNHPH-TANVU-VNHPH_DEEPC2_AGV11"),
    ],
)
def test_subject_comes_from_value_column_or_file(text: Text, subject: dict[str, str], expected: str) -> None:
    events, _ = text.read(f"t,p,d\n{NOON},-70,VNHPH-DEEPC2-AGV11\n", BASE | {"subject": subject})
    assert events[0]["subject"] == expected


def test_column_without_a_whole_subject_is_refused(text: Text) -> None:
    events, refused = text.read(f"t,p,d\n{NOON},-70,agv11\n", BASE | {"subject": {"column": "d"}})
    assert events == []
    assert refused == [Refused(2, "subject agv11 is not <UN/LOCODE>-<site>-<asset>")]


def test_sequence_counts_each_subject_by_itself(text: Text) -> None:
    rows = "".join(f"{NOON},-70,{device}\n" for device in ("a", "b", "a"))
    events, _ = text.read("t,p,d\n" + rows, BASE | {"subject": {"column": "d", "site": "VNHPH-TANVU"}})
    assert [(event["subject"][-1], event["sequence"]) for event in events] == [("A", "1"), ("B", "1"), ("A", "2")]


def test_asset_name_is_cut_and_cleaned() -> None:
    assert asset_name("5g modem é-7") == "5G_MODEM___7"
    assert asset_name("x" * 40) == "X" * 32


def test_values_are_scaled_typed_and_left_out_when_missing(text: Text) -> None:
    fields = {
        "uplink_mbps": {"column": "kbps", "type": "number", "scale": 0.001},
        "cqi": {"column": "cqi", "type": "integer"},
        "handover": {"column": "ho", "type": "boolean"},
        "rsrq_db": {"column": "q", "type": "number"},
    }
    mapping = BASE | {"fields": fields, "constants": {"network_mode": "5G SA"}, "missing": ["", "-"]}
    events, refused = text.read(f"t,kbps,cqi,ho,q\n{NOON},12500,11,Yes,-\n{NOON},1,-,0,-9.5\n", mapping)
    assert refused == []
    assert [event["data"] for event in events] == [
        {"network_mode": "5G SA", "uplink_mbps": 12.5, "cqi": 11, "handover": True},
        {"network_mode": "5G SA", "uplink_mbps": 0.001, "handover": False, "rsrq_db": -9.5},
    ]


def test_quotes_trailing_delimiters_and_carriage_returns_are_no_content(text: Text) -> None:
    mapping = BASE | {"delimiter": "semicolon", "fields": {"serving_cell": {"column": "cell; id", "type": "text"}}}
    events, refused = text.read(f't;"cell; id"\r\n{NOON}; "a;b";;\r\n', mapping)
    assert refused == []
    assert events[0]["data"] == {"serving_cell": "a;b"}


def test_quote_that_is_never_closed_spoils_its_own_line_only(text: Text) -> None:
    events, refused = text.read(f't,p\n{NOON},"-70\n{NOON},-71\n', BASE)
    assert [event["data"]["rsrp_dbm"] for event in events] == [-71.0]
    assert [row.line for row in refused] == [2]


def test_bytes_that_are_no_text_spoil_their_own_line_only(text: Text) -> None:
    content = b"t,p\n" + NOON.encode() + b",\xff\n" + NOON.encode() + b",-71\n"
    events, refused = text.read(content, BASE)
    assert [event["data"]["rsrp_dbm"] for event in events] == [-71.0]
    assert refused == [Refused(2, "not text in the encoding of the mapping")]


def test_encoding_of_the_mapping_is_used_and_a_byte_order_mark_is_no_name(text: Text) -> None:
    mapping = BASE | {"encoding": "windows-1252", "fields": {"serving_cell": {"column": "p", "type": "text"}}}
    events, _ = text.read(f"t,p\n{NOON},Hải".encode("cp1258", "replace"), mapping)
    assert len(events) == 1
    events, refused = text.read(b"\xef\xbb\xbft,p\n" + NOON.encode() + b",-70\n", BASE)
    assert (len(events), refused) == (1, [])


@pytest.mark.parametrize("header", ["skip", "none"])
def test_columns_can_be_named_by_the_mapping(text: Text, header: str) -> None:
    first = "whatever the file calls them\n" if header == "skip" else ""
    events, _ = text.read(f"{first}{NOON},-70\n", BASE | {"header": header, "columns": ["t", "p"]})
    assert [event["data"] for event in events] == [{"rsrp_dbm": -70.0}]


def test_file_published_twice_gives_the_same_bytes(text: Text) -> None:
    first = text.read(f"t,p\n{NOON},-70\n", BASE)
    assert text.read(f"t,p\n{NOON},-70\n", BASE) == first
    other, _ = text.read(f"t,p\n{NOON},-71\n", BASE)
    assert other[0]["id"] != first[0][0]["id"]


def test_identity_is_made_of_digest_and_line(text: Text) -> None:
    events, _ = text.read(f"t,p\n{NOON},-70\n", BASE)
    digest = origin_of(text.path).digest
    assert len(digest) == 16
    assert (events[0]["id"], events[0]["source"]) == (f"{digest}-2", f"/publish/{digest}")
    assert events[0]["bootid"] == digest


def test_shifted_events_say_so_and_have_another_identity(text: Text) -> None:
    plain, _ = text.read(f"t,p\n{NOON},-70\n1721217601000,-71\n", BASE)
    mapping = Mapping.model_validate(BASE)
    moved, _ = split(read_all(text.path, mapping, timedelta(days=1)))
    assert [event["time"] for event in moved] == ["2024-07-18T12:00:00.000Z", "2024-07-18T12:00:01.000Z"]
    assert [event["shiftedfrom"] for event in moved] == [event["time"] for event in plain]
    assert {event["id"] for event in moved}.isdisjoint(event["id"] for event in plain)
    assert moved[0]["bootid"] != plain[0]["bootid"]
    again, _ = split(read_all(text.path, mapping, timedelta(days=2)))
    assert {event["bootid"] for event in again}.isdisjoint(event["bootid"] for event in moved)


@given(st.text(alphabet=st.sampled_from('0123456789,-.\n\r "ab\x00é\x85\u2028'), max_size=200))
def test_no_line_is_lost_or_raises(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    path = tmp_path_factory.mktemp("lines") / "any.csv"
    path.write_bytes(b"t,p\n" + content.encode())
    found = read_all(path, Mapping.model_validate(BASE))
    lines = [n for n, line in enumerate(content.split("\n"), start=2) if line.strip()]
    assert [record.line for record in found] == lines


@pytest.mark.parametrize(
    ("line", "change", "said"),
    [
        (1, "type: io.quaystream.cell.radar.v1", "1: type: io.quaystream.cell.radar.v1 is not an event type"),
        (2, "time: {column: t, unit: ns}", "2: time.unit: "),
        (2, "time: {column: t, unit: iso, offset: '7'}", "2: time.offset: an offset is written as +07:00"),
        (3, "fields: {}", "3: fields: "),
        (3, "fields: {rsrp_dbm: {column: p, type: float}}", "3: fields.rsrp_dbm.type: "),
        (3, "fields: {rsrp_dbm: {columns: p, type: number}}", "3: fields.rsrp_dbm.columns: not a word"),
        (3, "fields: {rsrp_dbm: {column: p, type: text, scale: 2}}", "3: fields.rsrp_dbm: only a field of type number"),
        (4, "delimiter: ', '", "4: delimiter: write whitespace, tab"),
        (4, "encoding: utf-7bis", "4: encoding: utf-7bis is no known encoding"),
        (4, "header: none", "1: mapping: header: none needs `columns`"),
        (4, "columns: [t, p]", "1: mapping: columns are read from the header line"),
        (4, "constants: {rsrp_dbm: 1}", "1: mapping: rsrp_dbm is both a field and a constant"),
        (4, "unnamed: [x, x]", "1: mapping: column x is named twice"),
        (4, "subject: {value: AGV01}", "4: subject: AGV01 is not"),
        (4, "subject: {site: TANVU}", "4: subject: site TANVU is not"),
        (4, "subject: {value: VNHPH-TANVU-AGV01, column: p}", "4: subject: value stands alone"),
        (4, "widths: [2, 0]", "4: widths.1: "),
        (4, "delimeter: ','", "4: delimeter: not a word"),
        (4, "delimiter: [", "5: not YAML: "),
    ],
)
def test_mistake_in_a_mapping_is_named_with_line_and_field(tmp_path: Path, line: int, change: str, said: str) -> None:
    lines = [f"type: {RADIO}", "time: {column: t, unit: ms}", "fields: {rsrp_dbm: {column: p, type: number}}", ""]
    lines[line - 1] = change
    path = tmp_path / "map.yaml"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ConfigurationError) as raised:
        load_mapping(str(path))
    assert str(raised.value).startswith(f"{path}:{said}")


def test_mapping_that_does_not_exist_names_the_shipped_ones() -> None:
    with pytest.raises(ConfigurationError, match="cicv5g"):
        load_mapping("cicv6g")


def test_header_without_a_needed_column_is_named(text: Text) -> None:
    with pytest.raises(ConfigurationError, match=r"trace 1.csv:1: the header has no column p; it has t, q"):
        text.read(f"t,q\n{NOON},-70\n", BASE)


def test_header_that_names_a_needed_column_twice_is_refused(text: Text) -> None:
    with pytest.raises(ConfigurationError, match="two columns are named p"):
        text.read(f"t,p,p\n{NOON},-70,-71\n", BASE)


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.csv"):
        list(read_events(tmp_path / "gone.csv", Mapping.model_validate(BASE), origin_of(Path(__file__)), "cell-events"))
