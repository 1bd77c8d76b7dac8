"""The egress guard: everything by class and destination, and no way through what is not known."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from schemas.classification import CLASSES
from schemas.egress import Transfer, judge

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def transfer(**changes: object) -> Transfer:
    said = {
        "transfer_id": "T1",
        "destination": "SG",
        "object": "port.gate_step",
        "classes": frozenset({"important", "personal"}),
        "valid_from": NOW - DAY,
        "valid_until": NOW + DAY,
        "revoked_at": None,
    }
    return Transfer(**{**said, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(("destination", "name"), list(product(["VN", "SG", "US"], CLASSES)))
def test_only_important_and_personal_data_are_kept_from_going_abroad(destination: str, name: str) -> None:
    verdict = judge(destination, "port.gate_step", [name, "public"], (), NOW)
    assert verdict.allowed == (destination == "VN" or name in {"public", "commercial"})


@pytest.mark.parametrize("destination", [None, "", "vn", "VNM", "V1", "VN\n", "*"])
def test_a_destination_that_is_none_is_refused_even_for_public_data(destination: str | None) -> None:
    assert not judge(destination, "x", ["public"], (), NOW).allowed


@pytest.mark.parametrize("classes", [[], [None], ["public", None], ["secret"]])
def test_a_class_that_is_not_known_is_refused_even_at_home(classes: list[str | None]) -> None:
    assert not judge("VN", "x", classes, (), NOW).allowed


def test_an_approved_transfer_lets_exactly_what_it_names_pass() -> None:
    verdict = judge("SG", "port.gate_step", ["important", "public"], [transfer()], NOW)
    assert (verdict.allowed, verdict.reason) == (True, "approved transfer T1")


@pytest.mark.parametrize(
    "changes",
    [
        {"destination": "US"},
        {"object": "port.ocr_read"},
        {"classes": frozenset({"personal"})},
        {"valid_until": NOW},
        {"valid_from": NOW + DAY},
        {"revoked_at": NOW - DAY},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_transfer_of_something_else_or_at_another_time_does_not(changes: dict[str, object]) -> None:
    assert not judge("SG", "port.gate_step", ["important"], [transfer(**changes)], NOW).allowed
