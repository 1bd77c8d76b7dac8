"""Units of the fields of events, and conversion by name: those of network counters, and lengths, speeds and masses beside.

A length in feet is a class of boxes and no length (domain words 2.1), so `ft` is not among them. Never guess.
"""

import math
from types import MappingProxyType

from schemas.units import UNITS, SiUnit

MECHANICAL = MappingProxyType(
    {
        "m": SiUnit("m"),
        "km": SiUnit("m", 1_000),
        "cm": SiUnit("m", divide=100),
        "mm": SiUnit("m", divide=1_000),
        "m/s": SiUnit("m/s"),
        "km/h": SiUnit("m/s", 1_000, 3_600),
        "kn": SiUnit("m/s", 1_852, 3_600),
        "m/min": SiUnit("m/s", divide=60),
        "mm/s": SiUnit("m/s", divide=1_000),
        "kg": SiUnit("kg"),
        "g": SiUnit("kg", divide=1_000),
        "t": SiUnit("kg", 1_000),
        "KGM": SiUnit("kg"),
        "TNE": SiUnit("kg", 1_000),
    }
)
"""Spellings that no counter declares; KGM and TNE are UN/ECE recommendation 20's."""
QUANTITIES = MappingProxyType({**UNITS, **MECHANICAL})

# The ends of field names, a longer one before those that it ends with, and the unit that each says.
_FIELD_UNITS: tuple[tuple[str, str], ...] = (
    ("_mbps", "Mbit/s"),
    ("_mps", "m/s"),
    ("_kwh", "kWh"),
    ("_ratio", "ratio"),
    ("_dbm", "dBm"),
    ("_kw", "kW"),
    ("_kg", "kg"),
    ("_db", "dB"),
    ("_ms", "ms"),
    ("_m", "m"),
    ("_t", "t"),
    ("_s", "s"),
)


def unit_of_field(name: str) -> str | None:
    """The unit in which an event's field is, by its name: `load_t` is in t; None where the name says none."""
    return next((unit for end, unit in _FIELD_UNITS if name.endswith(end)), None)


def convertible(unit: str, to: str) -> bool:
    """Whether both are known and of one kind."""
    return unit in QUANTITIES and to in QUANTITIES and QUANTITIES[unit].unit == QUANTITIES[to].unit


def converted(value: float, unit: str, to: str) -> float:
    """`value` of `unit` in `to`: × and ÷ whole numbers without a common factor. Raises KeyError and ValueError."""
    given, wanted = QUANTITIES[unit], QUANTITIES[to]
    if given.unit != wanted.unit:
        raise ValueError(f"{unit} is no {to}")
    multiply, divide = given.multiply * wanted.divide, given.divide * wanted.multiply
    common = math.gcd(multiply, divide)
    return value * (multiply // common) / (divide // common)
