"""KPI definitions hold together, keep their text under their version, and use only what the database measures."""

import re

import pytest
from pydantic import ValidationError

from connectors.timescale.migrate import MIGRATIONS
from schemas.generate import kpis
from schemas.kpi import MEASURES, Definition, Grain, current_definitions, load_definitions, released_digests

DEFINITIONS = load_definitions()
PATTERNS = ("00??.kpi-*.sql", "00??.network-*.sql", "0029.*.sql")
SQL = "".join(
    f.read_text(encoding="utf-8") for pattern in PATTERNS for f in sorted((MIGRATIONS / "core").glob(pattern))
)
SAID = {
    "id": "boxes_twice",
    "version": 1,
    "title": "Boxes",
    "unit": "box",
    "domain": "crane",
    "grain": "crane",
    "formula": "boxes ÷ cycles",
    "inputs": {"numerator": "boxes", "denominator": "cycles", "n": "cycles"},
    "time_base": "cycle_ends",
    "source": "nobody",
    "since": "2026-01-01",
    "better": "higher",
    "example": {"tells": "none", "rows": [], "value": 1.0},
}


def test_a_definition_never_changes_under_its_version() -> None:
    assert released_digests() == {one.name: one.digest for one in DEFINITIONS}


def test_another_text_is_another_digest() -> None:
    assert Definition.model_validate(SAID).digest != Definition.model_validate({**SAID, "formula": "other"}).digest
    example = {"tells": "better", "rows": [], "value": 2.0}
    assert Definition.model_validate(SAID).digest == Definition.model_validate({**SAID, "example": example}).digest


def test_every_kpi_that_the_port_is_promised_is_defined() -> None:
    promised = {"gross_crane_rate", "yard_release", "procedure_time", "touch_points"}
    assert promised <= current_definitions().keys()
    assert all(current_definitions()[kpi].compare for kpi in promised)


@pytest.mark.parametrize(
    "changed",
    [
        {"inputs": {"numerator": "bananas", "n": "cycles"}},
        {"grain": "ship"},
        {"better": "faster"},
        {"time_base": "sometimes"},
        {"version": 0},
        {"id": "Boxes"},
        {"compare": "welch"},
        {"colour": "red"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_word_outside_of_the_closed_lists_is_refused(changed: dict[str, object]) -> None:
    Definition.model_validate(SAID)
    with pytest.raises(ValidationError):
        Definition.model_validate({**SAID, **changed})


@pytest.mark.parametrize("grain", MEASURES)
def test_every_measure_of_the_lists_is_one_of_the_database(grain: Grain) -> None:
    bodies = re.findall(rf"as_of, '{grain}', .*?jsonb_build_object\((.*?)\n    FROM ", SQL + "\n    FROM ", re.DOTALL)
    assert len(bodies) == 1
    words = set(re.findall(r"'(\w+)', ", bodies[0]))
    assert set(MEASURES[grain]) <= words


def test_the_page_has_every_definition() -> None:
    text = kpis.page()
    for one in DEFINITIONS:
        assert f"### {one.kpi_id}, version {one.version}\n" in text
        assert one.source in text
