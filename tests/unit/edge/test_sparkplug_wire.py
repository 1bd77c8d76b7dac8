"""Payloads that protobuf wrote are read as they were meant; no bytes end in anything but a payload or a refusal."""

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.edge.errors import InvalidEventError
from connectors.sparkplug.errors import UndecodableError, UnsupportedTypeError
from connectors.sparkplug.values import value_of
from connectors.sparkplug.wire import BYTES, DOUBLE, INT, LONG, STRING, Metric, payload_of, rebirth_request

WRITTEN = json.loads((Path(__file__).parents[2] / "data" / "sparkplug" / "payloads.json").read_text())
T0 = 1_767_225_600_000


@pytest.mark.parametrize("case", WRITTEN["values"], ids=lambda case: f"{case['type']} {str(case['value'])[:12]}")
def test_what_protobuf_wrote_is_read_as_it_was_meant(case: dict[str, Any]) -> None:
    payload = payload_of(bytes.fromhex(case["hex"]))
    (metric,) = payload.metrics
    assert (payload.timestamp_ms, payload.seq, metric.timestamp_ms) == (T0, 255, T0)
    assert (metric.name, metric.alias) == (f"a/{case['type']}", 2**40)
    assert metric.datatype is not None
    expected = case["value"]
    if case["type"] == "FLOAT":
        (expected,) = struct.unpack("<f", struct.pack("<f", expected))
    found = value_of(metric, metric.datatype)
    assert found == expected
    assert type(found) is type(expected)


def test_what_is_left_out_is_none() -> None:
    payload = payload_of(bytes.fromhex(WRITTEN["data"]))
    short, null = payload.metrics
    assert short == Metric(None, 0, T0 + 1, None, True, False, INT, 7)
    assert null == Metric("n", None, None, None, False, True, None, None)
    assert value_of(null, 4) is None
    assert payload.seq == 0


def test_the_rebirth_request_is_what_protobuf_would_write() -> None:
    assert rebirth_request(T0).hex() == WRITTEN["rebirth"]


@given(st.binary(max_size=400))
def test_any_bytes_are_a_payload_or_undecodable(data: bytes) -> None:
    try:
        payload = payload_of(data)
    except UndecodableError:
        return
    for metric in payload.metrics:
        for datatype in range(40):
            try:
                value = value_of(metric, datatype)
            except InvalidEventError:
                continue
            assert not isinstance(value, float) or math.isfinite(value)


@given(st.integers(0, len(WRITTEN["values"]) - 1), st.data())
def test_a_payload_that_is_cut_short_is_never_another(case: int, data: st.DataObject) -> None:
    whole = bytes.fromhex(WRITTEN["values"][case]["hex"])
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        payload = payload_of(cut)
    except UndecodableError:
        return
    # A cut between two fields of the payload leaves those before it.
    assert payload.metrics in ((), payload_of(whole).metrics)


@pytest.mark.parametrize("datatype", [0, 16, 17, 18, 19, 20, 21, *range(22, 35), 99, 2**32 - 1])
def test_types_that_are_not_one_value_are_a_refusal_of_their_own(datatype: int) -> None:
    with pytest.raises(UnsupportedTypeError, match=f"data type {datatype} "):
        value_of(Metric("x", field=BYTES, value=b""), datatype)


@pytest.mark.parametrize(
    ("datatype", "field", "value"),
    [
        (5, INT, 256),
        (1, INT, 300),
        (2, LONG, 2**40),
        (7, LONG, 2**32),
        (3, DOUBLE, 1.0),
        (11, INT, 1),
        (12, BYTES, b""),
        (10, DOUBLE, math.nan),
        (10, STRING, "1"),
        (3, None, None),
    ],
)
def test_a_value_that_is_none_of_its_type_is_refused(datatype: int, field: int | None, value: Any) -> None:
    with pytest.raises(InvalidEventError):
        value_of(Metric("x", field=field, value=value), datatype)


@pytest.mark.parametrize("value", [2**8 - 3, 2**32 - 3, 2**64 - 3])
def test_a_small_negative_number_may_carry_its_sign_through_the_field(value: int) -> None:
    assert value_of(Metric("x", field=LONG, value=value), 1) == -3
