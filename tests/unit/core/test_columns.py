"""Accepted events become columns in the order of their raw table."""

import json

import pytest

from schemas.events import EVENTS_BY_DOMAIN
from schemas.events.model import EventData, EventPart
from schemas.tables import RAW_TABLES, RawTable
from streams.core.columns import as_json, schema_of
from streams.core.domain import Domain
from streams.core.record import TopicPartition
from streams.core.structs import struct_of
from streams.domains import DOMAINS
from tests.support.judging import pipeline, written
from tests.support.records import crane, stretch


@pytest.mark.parametrize("table", RAW_TABLES, ids=lambda table: table.name)
def test_arrow_columns_are_the_table_s_in_its_order(table: RawTable) -> None:
    schema = schema_of(table)
    assert schema.names == list(table.column_names)
    assert [not field.nullable for field in schema] == [column.required for column in table.columns]


def test_equal_values_have_equal_json() -> None:
    assert as_json({"b": 1, "a": {"d": 2, "c": 3}}) == as_json({"a": {"c": 3, "d": 2}, "b": 1})


def test_huge_integers_survive_as_json() -> None:
    assert json.loads(as_json({"n": 10**399})) == {"n": 10**399}


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_domain_has_the_types_of_its_name(domain: Domain) -> None:
    assert domain.models == EVENTS_BY_DOMAIN[domain.name]
    assert domain.topic == f"{domain.name}-events"


def test_type_without_a_table_makes_no_domain() -> None:
    class Strange(EventData):
        TYPE = "io.quaystream.strange.thing.v1"

    with pytest.raises(ValueError, match=r"strange\.thing"):
        Domain("strange", "strange-events", (Strange,))


def test_field_of_an_unknown_form_makes_no_struct() -> None:
    class Strange(EventPart):
        pair: tuple[int, int]

    with pytest.raises(TypeError, match="tuple"):
        struct_of(Strange)


@pytest.mark.parametrize("table", RAW_TABLES, ids=lambda table: table.name)
def test_struct_has_the_model_s_fields_in_their_order(table: RawTable) -> None:
    assert struct_of(table.model).__struct_fields__ == tuple(table.model.model_fields)


def test_report_makes_a_row_per_value_and_bin_with_one_head() -> None:
    measurements = [{"name": "a", "value": 1.0}, {"name": "b", "bins": [1, 2, 3]}, {"name": "c", "value": None}]
    report = crane(
        "m1",
        type="io.quaystream.cell.measurement.v1",
        data={"granularity_s": 900, "object": "cell-1", "measurements": measurements},
    )
    tp = TopicPartition("cell-events", 3)
    writes = written([stretch([report, {**report, "id": "m2"}], tp=tp, first=7)], by=pipeline("cell"))
    rows = writes.rows["port.cell_measurement"].to_pylist()
    assert [(row["event_id"], row["record_offset"], row["name"]) for row in rows[:5]] == [
        ("m1", 7, "a"),
        *[("m1", 7, "b")] * 3,
        ("m1", 7, "c"),
    ]
    assert len(rows) == 10
    assert writes.progress[0].accepted == 2


def test_label_of_a_histogram_is_its_position() -> None:
    report = crane(
        "m1",
        type="io.quaystream.cell.measurement.v1",
        data={
            "granularity_s": 1,
            "object": "o",
            "measurements": [{"name": "b", "bins": [5, 6], "labels": {"bin": "x", "n": 1}}],
        },
    )
    writes = written([stretch([report], tp=TopicPartition("cell-events", 0))], by=pipeline("cell"))
    labels = [json.loads(row["labels"]) for row in writes.rows["port.cell_measurement"].to_pylist()]
    assert labels == [{"bin": "0", "n": "1"}, {"bin": "1", "n": "1"}]
