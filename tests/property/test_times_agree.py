"""The fast path for times (Arrow, a whole batch) and the careful parser (one text) mean the same moments."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from streams.core.times import is_time, microseconds

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOT_COMMON = "1900-01-01t00:00:00z"
"""A time the fast path leaves to the careful parser, and with it every text of its batch."""

WHEN = st.tuples(
    st.integers(1890, 2210),
    st.integers(0, 13),
    st.integers(0, 32),
    st.integers(0, 25),
    st.integers(0, 61),
    st.integers(0, 61),
)
FRACTIONS = st.one_of(st.just(""), st.text("0123456789", max_size=9).map(lambda digits: f".{digits}"))
OFFSETS = st.one_of(
    st.sampled_from(
        ["Z", "z", "", "+07:00", "-00:00", "+14:00", "-12:00", "+0700", "+07", "+24:00", "+23:59", "-23:60"]
    ),
    st.builds("{}{:02d}:{:02d}".format, st.sampled_from("+-"), st.integers(0, 25), st.integers(0, 61)),
)
SEPARATORS = st.sampled_from(["T", "T", "T", "t", " ", "_", ""])
TEXTS = st.builds(
    lambda w, separator, fraction, offset: "{:04d}-{:02d}-{:02d}{}{:02d}:{:02d}:{:02d}{}{}".format(
        *w[:3], separator, *w[3:], fraction, offset
    ),
    WHEN,
    SEPARATORS,
    FRACTIONS,
    OFFSETS,
)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def careful(text: str) -> int | None:
    values, bad = microseconds(pa.array([text, NOT_COMMON]))
    return None if 0 in bad else int(values[0])


def fast(text: str) -> int | None:
    values, bad = microseconds(pa.array([text]))
    return None if bad else int(values[0])


@given(TEXTS)
@example("2024-02-29T00:00:00Z")
@example("2023-02-29T00:00:00Z")
@example("2100-02-29T00:00:00Z")
@example("2000-02-29T23:59:59.999999+23:59")
@example("2026-06-30T23:59:60Z")
@example("2026-01-01T24:00:00Z")
@example("2026-01-01T00:00:00.Z")
@example("2026-01-01T00:00:00Z\n")
@example("٢026-01-01T00:00:00Z")
def test_both_parsers_mean_the_same_moment(text: str) -> None:
    assert fast(text) == careful(text)
    assert is_time(text) == (careful(text) is not None)


@given(st.lists(TEXTS, max_size=5))
def test_a_batch_means_what_its_texts_mean_one_by_one(texts: list[str]) -> None:
    values, bad = microseconds(pa.array(texts, pa.string()))
    alone = [fast(text) for text in texts]
    assert [None if i in bad else int(value) for i, value in enumerate(values)] == alone


@given(MOMENTS, st.integers(-23 * 60 - 59, 23 * 60 + 59), st.sampled_from(["seconds", "milliseconds", "microseconds"]))
def test_time_with_any_offset_is_read_to_the_microsecond(moment: datetime, offset_min: int, precision: str) -> None:
    sign, minutes = "-" if offset_min < 0 else "+", abs(offset_min)
    local = (moment + timedelta(minutes=offset_min)).replace(tzinfo=None)
    text = f"{local.isoformat(timespec=precision)}{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    step = {"seconds": timedelta(seconds=1), "milliseconds": timedelta(milliseconds=1)}.get(precision)
    expected = moment if step is None else moment - (moment - EPOCH) % step
    assert fast(text) == (expected - EPOCH) // timedelta(microseconds=1)


@given(MOMENTS, st.text("0123456789", min_size=7, max_size=9))
def test_finer_fractions_are_rounded_to_the_nearest_microsecond(moment: datetime, digits: str) -> None:
    text = f"{moment.isoformat(timespec='seconds')[:19]}.{digits}Z"
    whole = (moment.replace(microsecond=0) - EPOCH) // timedelta(microseconds=1)
    nanoseconds = int(digits.ljust(9, "0"))
    value = fast(text)
    assert value is not None
    assert abs((value - whole) * 1_000 - nanoseconds) <= 500


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text(), max_size=2)))
def test_what_is_no_text_is_no_time(value: Any) -> None:
    assert not is_time(value) or isinstance(value, str)


def test_no_texts_are_no_times() -> None:
    values, bad = microseconds(pa.array([], pa.string()))
    assert (len(values), bad) == (0, [])
