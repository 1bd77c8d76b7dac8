"""Identifiers of things that do not exist are still valid."""

from itertools import islice
from random import Random
from typing import Any

from connectors.simulator.identities import container_numbers, imo_number, truck_plate
from schemas.identifiers import container_problem, has_remainder_10, imo_problem


def test_container_numbers_pass_their_check_digit_and_never_repeat() -> None:
    numbers = list(islice(container_numbers(Random(1)), 20_000))
    assert [number for number in numbers if container_problem(number)] == []
    assert [number for number in numbers if has_remainder_10(number)] == []
    assert len(set(numbers)) == len(numbers)


def test_ship_numbers_are_valid() -> None:
    dice = Random(1)
    assert [number for number in (imo_number(dice) for _ in range(500)) if imo_problem(number)] == []


def test_plates_are_of_hai_phong_and_without_marks() -> None:
    plate = truck_plate(Random(1))
    assert plate[:2] in ("15", "16")
    assert plate.isalnum()
    assert len(plate) == 8


def test_every_box_and_ship_of_a_run_has_a_valid_number(events: tuple[Any, ...]) -> None:
    boxes = {e.data["equipment_reference"] for e in events if e.data.get("equipment_reference")}
    ships = {e.data["imo"] for e in events if e.is_("vessel.milestone")}
    assert len(boxes) > 100
    assert len(ships) >= 4
    assert [box for box in boxes if container_problem(box)] == []
    assert [ship for ship in ships if imo_problem(ship)] == []
