"""Identifiers: the vectors of ISO 6346, the IMO number scheme, UN/LOCODE and our subjects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identifiers import (
    container_check_digit,
    container_problem,
    has_remainder_10,
    imo_problem,
    is_locode,
    is_subject,
    site_of,
)

VALID_CONTAINERS = [
    "CSQU3054383",
    "MWCU6059784",
    "MSKU9070323",
    "HLXU2008419",
    "MEDU8707688",
    "QSYU2045188",
    "QSYJ1000010",
    "QSYZ7123456",
    "TNVU3507128",
    "QSYU1000050",
    "QSYU1050050",
]
INVALID_CONTAINERS = [
    ("CSQU3054384", "bad_check_digit, expected 3"),
    ("QSYU1000051", "bad_check_digit, expected 0"),
    ("CSQX3054382", "bad_category"),
    ("csqu3054383", "lower_case"),
    ("CSQU3O54383", "bad_serial"),
    ("CSQU3054338", "bad_check_digit, expected 6"),
    ("C5QU3054383", "bad_owner"),
    ("CSQU3054B83", "bad_serial"),
    ("CSQU305438", "bad_length"),
    ("CSQU30543830", "bad_length"),
    ("CSQU 305438", "bad_serial"),
    ("", "bad_length"),
    ("CSQU305438³", "bad_check_digit, expected 3"),
    ("CSQU30543٨3", "bad_serial"),
    ("CSQU305438\n", "bad_check_digit, expected 3"),
]


@pytest.mark.parametrize("number", VALID_CONTAINERS)
def test_issued_container_number_has_no_problem(number: str) -> None:
    assert container_problem(number) is None


@pytest.mark.parametrize(("number", "problem"), INVALID_CONTAINERS)
def test_container_problem_is_the_first_failing_rule(number: str, problem: str) -> None:
    assert container_problem(number) == problem


def test_check_digit_weighs_from_the_left_and_skips_multiples_of_eleven() -> None:
    # Reversed weights would give 4, letter values without the gaps 7.
    assert container_check_digit("CSQU305438") == 3


def test_category_is_checked_before_the_digit_that_would_fit() -> None:
    assert container_check_digit("CSQX305438") == 2
    assert container_problem("CSQX3054382") == "bad_category"


@pytest.mark.parametrize("number", VALID_CONTAINERS)
def test_only_the_discouraged_remainder_is_worth_a_warning(number: str) -> None:
    # QSYU1000050 has remainder 10, QSYU1050050 remainder 0: both carry digit 0.
    assert has_remainder_10(number) == (number == "QSYU1000050")


@given(owner=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3), serial=st.integers(0, 999_999))
def test_exactly_one_check_digit_fits(owner: str, serial: int) -> None:
    fitting = [digit for digit in range(10) if container_problem(f"{owner}U{serial:06d}{digit}") is None]
    assert fitting == [container_check_digit(f"{owner}U{serial:06d}")]


@pytest.mark.parametrize("number", ["9074729", "9321483", "9123453", "9800013", "9555553"])
def test_issued_imo_number_has_no_problem(number: str) -> None:
    assert imo_problem(number) is None


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("9321484", "bad_check_digit, expected 3"),
        ("9312483", "bad_check_digit, expected 2"),
        ("9074792", "bad_check_digit, expected 3"),
        ("0000000", "bad_form"),
        ("932148", "bad_length"),
        ("93214834", "bad_length"),
        ("93214B3", "bad_form"),
        ("IMO9321483", "bad_length"),
        ("932148٣", "bad_form"),
        ("", "bad_length"),
    ],
)
def test_imo_problem_says_what_is_wrong(number: str, problem: str) -> None:
    assert imo_problem(number) == problem


@pytest.mark.parametrize("text", ["VNHPH", "SGSIN", "NLRTM", "VN2B9"])
def test_locode_has_a_country_and_a_place(text: str) -> None:
    assert is_locode(text)


@pytest.mark.parametrize("text", ["VN0PH", "VN1PH", "vnhph", "VNHP", "VNHPHX", "V2HPH", "VNHPH\n", ""])
def test_locode_has_no_zero_one_or_small_letters(text: str) -> None:
    assert not is_locode(text)


@pytest.mark.parametrize(
    "subject",
    [
        "VNHPH-TANVU-STS03",
        "VNHPH-DEEPC2-AGV11",
        "VNHPH-TANVU-STS03_UE",
        "VNHPH-TANVU-TNVU3507128",
        "VNHPH-TV-A",
        "VNHPH-ABCDEFGHIJKLMNOP-" + "A" * 32,
    ],
)
def test_subject_is_locode_terminal_and_asset(subject: str) -> None:
    assert is_subject(subject)


@pytest.mark.parametrize(
    "subject",
    [
        "vnhph-tanvu-sts03",
        "VNHPH-STS03",
        "VNHPH-TANVU-STS-03",
        "VN0PH-TANVU-STS03",
        "VNHPH-T-STS03",
        "VNHPH-ABCDEFGHIJKLMNOPQ-STS03",
        "VNHPH-TANVU-" + "A" * 33,
        "VNHPH-TANVU-",
        "VNHPH-TAN_VU-STS03",
        "VNHPH-TANVU-STS03\n",
        " VNHPH-TANVU-STS03",
        "VNHPH-TANVU-STS٣",
        "",
    ],
)
def test_anything_else_is_no_subject(subject: str) -> None:
    assert not is_subject(subject)


@pytest.mark.parametrize(
    ("subject", "site"),
    [("VNHPH-TANVU-STS03", "VNHPH-TANVU"), ("VNHPH-DEEPC2-AGV11", "VNHPH-DEEPC2"), ("VNHPH-TV-A", "VNHPH-TV")],
)
def test_site_is_the_first_two_parts_of_the_subject(subject: str, site: str) -> None:
    assert site_of(subject) == site
