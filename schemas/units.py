"""Units of network counters and their SI form. A unit that is not listed has no SI value: never guess.

The unit of a counter depends on counter, interface and vendor (O-RAN E2SM-KPM 7.9.1 differs from
TS 28.552): a declared unit wins, else schemas/counters.yaml knows it; spelling counts, case too.
"""

import math
from types import MappingProxyType
from typing import NamedTuple


class SiUnit(NamedTuple):
    """The SI unit, and value_si = value * `multiply` / `divide`, both whole numbers."""

    unit: str
    multiply: int = 1
    divide: int = 1


_SPELLINGS: tuple[tuple[SiUnit, tuple[str, ...]], ...] = (
    # Rates and volumes. An octet is 8 bits.
    (SiUnit("bit/s"), ("bit/s", "bps")),
    (SiUnit("bit/s", 1_000), ("kbit/s", "kbps")),
    (SiUnit("bit/s", 1_000_000), ("Mbit/s", "Mbps")),
    (SiUnit("bit/s", 1_000_000_000), ("Gbit/s", "Gbps")),
    (SiUnit("bit"), ("bit", "bits")),
    (SiUnit("bit", 1_000), ("kbit", "kbits")),
    (SiUnit("bit", 1_000_000), ("Mbit", "Mbits")),
    (SiUnit("bit", 8), ("octet", "octets", "byte", "bytes")),
    # Times. TS 28.552 counts radio delays in tenths of a millisecond.
    (SiUnit("s"), ("s", "second", "seconds")),
    (SiUnit("s", divide=1_000), ("ms",)),
    (SiUnit("s", divide=10_000), ("0.1 ms", "0.1ms")),
    (SiUnit("s", divide=1_000_000), ("us", "\N{MICRO SIGN}s", "\N{GREEK SMALL LETTER MU}s")),
    (SiUnit("s", divide=1_000_000_000), ("ns",)),
    (SiUnit("s", 60), ("min",)),
    (SiUnit("s", 3_600), ("h",)),
    # Shares.
    (SiUnit("ratio"), ("ratio",)),
    (SiUnit("ratio", divide=100), ("%", "percent")),
    (SiUnit("ratio", divide=1_000_000), ("ppm", "x 1e6", "x1e6", "\N{MULTIPLICATION SIGN} 1e6")),
    # Energy and power.
    (SiUnit("J"), ("J",)),
    (SiUnit("J", 3_600), ("Wh",)),
    (SiUnit("J", 3_600_000), ("kWh",)),
    (SiUnit("W"), ("W",)),
    (SiUnit("W", 1_000), ("kW",)),
    (SiUnit("W", divide=1_000), ("mW",)),
    # Lengths, speeds, masses, of cranes and boxes. A length in feet is a class of boxes, and no length (domain words 2.1).
    (SiUnit("m"), ("m",)),
    (SiUnit("m", 1_000), ("km",)),
    (SiUnit("m", divide=100), ("cm",)),
    (SiUnit("m", divide=1_000), ("mm",)),
    (SiUnit("m/s"), ("m/s",)),
    (SiUnit("m/s", 1_000, 3_600), ("km/h",)),
    (SiUnit("m/s", 1_852, 3_600), ("kn",)),
    (SiUnit("m/s", divide=60), ("m/min",)),
    (SiUnit("m/s", divide=1_000), ("mm/s",)),
    (SiUnit("kg"), ("kg", "KGM")),
    (SiUnit("kg", 1_000), ("t", "TNE")),
    (SiUnit("kg", divide=1_000), ("g",)),
    # As they are.
    (SiUnit("V"), ("V",)),
    (SiUnit("A"), ("A",)),
    (SiUnit("\N{DEGREE SIGN}C"), ("\N{DEGREE SIGN}C", "Cel")),
    (SiUnit("dBm"), ("dBm",)),
    (SiUnit("dB"), ("dB",)),
    (SiUnit("PRB"), ("PRB", "PRBs")),
    (SiUnit("count"), ("count",)),
)
UNITS = MappingProxyType({spelling: si for si, spellings in _SPELLINGS for spelling in spellings})
"""Every known spelling of a unit."""


def to_si(value: float | None, unit: str | None) -> tuple[float | None, str | None]:
    """`value` in SI and that unit (domain: kbit/s → bit/s, 0.1 ms → s, % → ratio, kWh → J …).

    Without a unit, with an unknown one, or when the result leaves the range of a double, both are None.
    """
    si = UNITS.get(unit) if unit is not None else None
    if si is None:
        return None, None
    if value is None:
        return None, si.unit
    result = value * si.multiply / si.divide
    return (result, si.unit) if math.isfinite(result) else (None, None)


# The ends of field names, longest first, and the unit that each says.
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
    return unit in UNITS and to in UNITS and UNITS[unit].unit == UNITS[to].unit


def converted(value: float, unit: str, to: str) -> float:
    """`value` of `unit` in `to`, rounded once. Raises KeyError and ValueError where the units do not convert."""
    given, wanted = UNITS[unit], UNITS[to]
    if given.unit != wanted.unit:
        raise ValueError(f"{unit} is no {to}")
    multiply, divide = given.multiply * wanted.divide, given.divide * wanted.multiply
    common = math.gcd(multiply, divide)
    return value * (multiply // common) / (divide // common)
