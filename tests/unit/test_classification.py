"""Every field and every column that derives from one has a class and a purpose, and nothing is classed below its origin."""

from typing import Annotated

import pytest

from schemas.classification import CLASSES, GUARDED, MEANINGS, classed, classified, strictest
from schemas.derived import classified_tables, column_class, unclassified, unclassified_fields
from schemas.events import MODELS
from schemas.events.fields import Word
from schemas.events.model import EventData
from schemas.facts import DERIVED_TABLES, FACT_TABLES
from schemas.tables import RAW_TABLES, ROLLUPS


def test_nothing_is_without_a_class() -> None:
    assert list(unclassified()) == []


def test_a_field_without_a_class_or_purpose_is_named() -> None:
    class Careless(EventData):
        TYPE = "io.quaystream.test.careless.v1"
        forgotten: Word
        aimless: Annotated[Word | None, classed("commercial")] = None
        well: Annotated[Word | None, classed("commercial", "operations")] = None

    assert list(unclassified_fields(Careless)) == ["Careless.forgotten", "Careless.aimless"]


def test_every_column_of_every_table_has_a_known_class_and_known_purposes() -> None:
    tables = classified_tables()
    columns = {table.name: set(table.column_names) for table in RAW_TABLES}
    columns |= {fact.name: {*fact.column_names, "revision", "recorded_at"} for fact in (*FACT_TABLES, *DERIVED_TABLES)}
    for rollup in ROLLUPS:
        names = {"bucket", *rollup.key, *(measure.column for measure in rollup.measures)}
        columns |= {rollup.minute: names, rollup.hour: names}
    assert {name: set(found) for name, found in tables.items()} == columns
    for found in tables.values():
        assert all(one.name in CLASSES and set(one.purposes) <= MEANINGS.keys() for one in found.values())


@pytest.mark.parametrize("fact", [*FACT_TABLES, *DERIVED_TABLES], ids=lambda fact: fact.name)
def test_no_fact_is_classed_below_the_event_field_of_its_name(fact: object) -> None:
    fields: dict[str, list[str]] = {}
    for model in MODELS.values():
        for name, field in model.model_fields.items():
            found = classified(field)
            assert found is not None
            fields.setdefault(name, []).append(found.name)
    for name, found in classified_tables()[fact.name].items():  # type: ignore[attr-defined]
        lowest = min((CLASSES.index(one) for one in fields.get(name, ())), default=0)
        assert CLASSES.index(found.name) >= lowest, name


@pytest.mark.parametrize(
    ("table", "column", "name"),
    [
        # The table of docs/data-protection.md, line by line.
        ("port.gate_step", "truck_plate", "personal"),
        ("port.crane_assignment", "operator_ref", "personal"),
        ("port.ocr_read", "value", "personal"),
        ("port.gate_step", "weight_kg", "commercial"),
        ("port.cargo_milestone", "equipment_reference", "commercial"),
        ("port.cargo_milestone", "status", "important"),
        ("port.cell_measurement", "object", "important"),
        ("port.gate_step", "actor", "important"),
        ("port.vessel_milestone", "berth", "public"),
        ("port.crane_sample", "wind_mps", "public"),
        ("port.gate_step", "extra", "personal"),
    ],
)
def test_classes_are_those_of_the_law_table(table: str, column: str, name: str) -> None:
    found = column_class(table, column)
    assert found is not None
    assert found.name == name
    assert found.is_guarded == (name in GUARDED)


def test_unknown_columns_have_no_class() -> None:
    assert column_class("port.gate_step", "no_such") is None
    assert column_class("port.no_such", "time") is None


def test_of_several_the_most_restricted_counts_and_only_common_purposes() -> None:
    plate, call = column_class("port.gate_step", "truck_plate"), column_class("port.cargo_milestone", "call_id")
    assert plate is not None
    assert call is not None
    found = strictest([plate, call])
    assert (found.name, found.purposes) == ("personal", ("border", "operations", "supervision"))
