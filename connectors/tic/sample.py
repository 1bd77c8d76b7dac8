"""The readings of one crane at one moment to the data of its events. What no field takes is kept as it was said."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from connectors.tic.flat import key_of
from connectors.tic.grammar import Reading
from connectors.tic.vocabulary import (
    COUNTS,
    FAULTS,
    FEET,
    FIELD_OF,
    JOB,
    LENGTH,
    LENGTHS,
    LOCKS,
    MODES,
    NUMBERS,
    SEVERITIES,
    STATUSES,
    STEPS,
    UNITS,
    is_measured,
    words_of,
)
from schemas.events.fields import LARGEST
from schemas.quantities import converted, convertible, unit_of_field

Values = dict[str, list[tuple[Any, Reading]]]


def sample_of(readings: Sequence[Reading], notes: Counter[str]) -> tuple[dict[str, Any], list[Reading]]:
    """The typed fields of a sample, and the readings that no field has taken as they are."""
    values: Values = {}
    rest = []
    for reading in readings:
        field, value = _typed(reading, notes)
        if field is None:
            rest.append(reading)
        else:
            values.setdefault(field, []).append((value, reading))
    data = {}
    for field, said in values.items():
        found = _one(field, [value for value, _ in said])
        if found is not None:
            data[field] = found
        # Two spreaders: the field says what is true of the crane, and each keeps what it said. So does a named sensor.
        rest += [reading for _, reading in said if found is None or len(said) > 1 or _is_marked(reading)]
    return data, rest


def status_of(readings: Sequence[Reading]) -> tuple[str | None, list[Reading]]:
    """The crane's own status: of those that are true, the one that says most. And the readings it is from."""
    own = [r for r in readings if len(r.subjects) == 1 and r.concept in STATUSES and r.observed == "status"]
    true = [r for r in own if is_measured(r) and r.item.get("value") is True]
    names = {reading.concept for reading in true}
    if not names or ("off" in names and len(names) > 1):
        return None, []
    return next(name for name in STATUSES if name in names), [r for r in true if len(names) == 1]


def fault_of(reading: Reading) -> dict[str, Any] | None:
    """The data of a fault, where a reading is an error message with a code that says whether it is there."""
    item = reading.item
    code = item.get("tic40codeid") or item.get("mcode")
    is_fault = reading.concept in FAULTS and reading.observed == "errormessage"
    if not is_fault or not isinstance(code, str) or not isinstance(item.get("value"), bool):
        return None
    severity = item.get("severity")
    data = {"code": code, "active": item["value"], "severity": FAULTS[reading.concept]}
    if severity in SEVERITIES:
        data["severity"] = severity
    elif severity is not None:
        data["original_severity"] = severity
    if isinstance(item.get("description"), str):
        data["description"] = item["description"]
    return data


def job_of(reading: Reading, jobs: dict[str, Any]) -> dict[str, Any] | None:
    """The data of a job's step, where a reading says that a step of a named job instruction is so."""
    if len(reading.subjects) != 2 or reading.subjects[1][0] != JOB or reading.concept not in STEPS:
        return None
    number = jobs.get(reading.subjects[1][1])
    is_so = reading.observed == "status" and reading.item.get("value") is True and is_measured(reading)
    return {"job_id": number, "step": reading.concept} if is_so and isinstance(number, str) else None


def kept(readings: Sequence[Reading]) -> dict[str, Any]:
    """Readings under their flat keys."""
    return {key_of(reading): reading.item.get("value") for reading in readings}


def _typed(reading: Reading, notes: Counter[str]) -> tuple[str | None, Any]:
    words = words_of(reading)
    if not is_measured(reading):
        return None, None
    value = reading.item.get("value")
    if words == LENGTH or (words.subject == "spreader" and words.property == "status"):
        found = _spreader(words.concept, value, reading)
        if found[0] is not None:
            return found
    field = FIELD_OF.get(words)
    if field in NUMBERS and isinstance(value, int | float) and _is_number(value):
        return _number(field, value, reading, notes)
    if (field in COUNTS and type(value) is int) or (field in LOCKS and isinstance(value, bool)):
        return field, value
    return None, None


def _spreader(concept: str, value: Any, reading: Reading) -> tuple[str | None, Any]:
    if concept == "size" and reading.item.get("unit") in FEET and value in LENGTHS and _is_number(value):
        return "spreader_length_ft", int(value)
    if value is True and concept in MODES:
        return "spreader_mode", concept
    if value is True and concept in {f"size{feet}foot" for feet in LENGTHS}:
        return "spreader_length_ft", int(concept[4:6])
    return None, None


def _number(field: str, value: float, reading: Reading, notes: Counter[str]) -> tuple[str | None, Any]:
    """In the field's unit. A reading without a unit, or with one of another kind, is kept as it is and typed nowhere."""
    unit = reading.item.get("unit")
    given = UNITS.get(unit, unit) if isinstance(unit, str) else ""
    wanted = unit_of_field(field) or ""
    if not convertible(given, wanted):
        notes[f"not_typed: {field} in unit {unit}"] += 1
        return None, None
    return field, converted(value, given, wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def _is_marked(reading: Reading) -> bool:
    return any(reading.item.get(mark) is not None for mark in ("name", "reference", "qualifier"))


def _one(field: str, values: Sequence[Any]) -> Any:
    """What several subjects of one kind say together: a crane is locked when one of its spreaders is."""
    if field in LOCKS:
        return any(values)
    return values[0] if all(value == values[0] for value in values) else None
