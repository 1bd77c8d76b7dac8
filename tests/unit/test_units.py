"""Units of network counters and their SI form."""

import pytest

from schemas.units import UNITS, to_si


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (48_250.0, "kbit/s", (48_250_000.0, "bit/s")),
        (9.6, "Mbit/s", (9_600_000.0, "bit/s")),
        (1_200_000, "kbit", (1.2e9, "bit")),
        (1.5, "Mbit", (1.5e6, "bit")),
        (75_000_000, "octets", (6e8, "bit")),
        (74, "0.1 ms", (0.0074, "s")),
        (120, "ms", (0.12, "s")),
        (350, "us", (0.00035, "s")),
        (350, "\N{MICRO SIGN}s", (0.00035, "s")),
        (350, "\N{GREEK SMALL LETTER MU}s", (0.00035, "s")),
        (43_200, "s", (43_200, "s")),
        (63, "%", (0.63, "ratio")),
        (180, "x 1e6", (0.00018, "ratio")),
        (180, "ppm", (0.00018, "ratio")),
        (0.5, "kWh", (1.8e6, "J")),
        (412.5, "W", (412.5, "W")),
        (48, "V", (48, "V")),
        (8.6, "A", (8.6, "A")),
        (41, "\N{DEGREE SIGN}C", (41, "\N{DEGREE SIGN}C")),
        (-87.5, "dBm", (-87.5, "dBm")),
        (31, "count", (31, "count")),
        (106, "PRB", (106, "PRB")),
        (0, "%", (0, "ratio")),
    ],
)
def test_value_is_converted_to_si_with_one_rounding(value: float, unit: str, expected: tuple[float, str]) -> None:
    assert to_si(value, unit) == expected


def test_value_without_a_unit_has_no_si_value() -> None:
    assert to_si(31.0, None) == (None, None)


@pytest.mark.parametrize("unit", ["furlong", "", "KBIT/S", "Ms", "MS", "mbit/s", "mWh", " ms", "0.1 s", "1", "bins"])
def test_unknown_unit_is_never_guessed(unit: str) -> None:
    assert to_si(31.0, unit) == (None, None)


def test_null_value_keeps_its_unit() -> None:
    assert to_si(None, "kbit/s") == (None, "bit/s")


def test_value_beyond_a_double_has_no_si_value() -> None:
    assert to_si(1e308, "Mbit") == (None, None)


@pytest.mark.parametrize("spelling", sorted(UNITS))
def test_si_unit_converts_to_itself(spelling: str) -> None:
    si_unit = UNITS[spelling].unit
    assert to_si(2.5, si_unit) == (2.5, si_unit)


@pytest.mark.parametrize("spelling", sorted(UNITS))
def test_each_conversion_multiplies_or_divides_but_not_both(spelling: str) -> None:
    assert 1 in (UNITS[spelling].multiply, UNITS[spelling].divide)
