"""Units of network counters and their SI form. A unit that is not listed has no SI value: never guess.

The unit of a counter depends on counter, interface and vendor (O-RAN E2SM-KPM 7.9.1 differs from
TS 28.552): a declared unit wins, else schemas/counters.yaml knows it; spelling counts, case too.
"""

import math
from types import MappingProxyType
from typing import NamedTuple


class SiUnit(NamedTuple):
    """The SI unit, and value_si = value * `multiply` / `divide` (one of them is 1, so that one rounding happens)."""

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
