"""Structured and binary mode: how a record says which it is, and what binary headers may hold."""

import json
from typing import Any

import pytest

from schemas.outcome import Reason
from streams.core.envelope import Event, is_binary
from streams.core.refusal import Refusal
from tests.support.judging import pipeline
from tests.support.records import CRANE, Sent, crane, stretch

Headers = tuple[tuple[str, bytes | None], ...]


def binary(headers: dict[str, bytes | None] | None = None, value: bytes = b'{"load_t": 1}') -> Sent:
    attributes = {f"ce_{name}": str(text).encode() for name, text in crane("e1").items() if name != "data"}
    return Sent(0, value, CRANE.encode(), tuple({**attributes, **(headers or {})}.items()))


def result(record: Sent) -> Event | Refusal:
    batch = pipeline().read([stretch([record])], {})
    return batch.events[0] or batch.refusals[0]


REQUIRED: Headers = tuple((f"ce_{name}", b"x") for name in ("id", "source", "specversion", "type"))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((), False),
        (REQUIRED, True),
        (REQUIRED[1:], False),
        (tuple((name.upper(), value) for name, value in REQUIRED), True),
        ((*REQUIRED, ("content-type", b"application/json")), True),
        ((*REQUIRED, ("Content-Type", b"application/cloudevents+json; charset=utf-8")), False),
        ((*REQUIRED, ("content-type", b"APPLICATION/CLOUDEVENTS+JSON")), False),
        ((*REQUIRED, ("content-type", None)), True),
    ],
)
def test_mode_is_binary_with_the_four_headers_unless_declared_structured(headers: Headers, *, expected: bool) -> None:
    assert is_binary(headers) is expected


def test_binary_and_structured_mode_mean_the_same() -> None:
    structured = {**crane("e1"), "data": {"load_t": 1}, "sequence": "7", "bootid": "b"}
    one = result(binary({"ce_sequence": b"7", "ce_bootid": b"b"}))
    assert isinstance(one, Event)
    # Two pipelines make two struct classes: compare by what they hold.
    assert repr(one) == repr(result(Sent(0, json.dumps(structured).encode())))


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"ce_id": b""}, Reason.NOT_CLOUDEVENT),
        ({"ce_id": None}, Reason.NOT_CLOUDEVENT),
        ({"ce_id": b"\xff"}, Reason.UNDECODABLE),
        ({"ce_id": b"a\0b"}, Reason.INVALID_DATA),
        ({"ce_source": b"a\0b"}, Reason.INVALID_DATA),
        ({"ce_bootid": b"a\0b"}, Reason.INVALID_DATA),
        ({"ce_bootid": b""}, Reason.INVALID_DATA),
        ({"ce_sequence": b"-1"}, Reason.INVALID_DATA),
        ({"ce_sequence": b"1e3"}, Reason.INVALID_DATA),
        ({"ce_sequence": "٣".encode()}, Reason.INVALID_DATA),
        ({"ce_specversion": b"0.3"}, Reason.NOT_CLOUDEVENT),
        ({"ce_type": b"other"}, Reason.UNKNOWN_TYPE),
        ({"ce_subject": b"sts 3"}, Reason.BAD_SUBJECT),
        ({"ce_time": b"now"}, Reason.INVALID_DATA),
        ({"ce_data": b'{"load_t": "heavy"}'}, None),
        ({"ce_colour": b"red"}, None),
    ],
)
def test_binary_header_is_judged_as_the_attribute_it_is(headers: Any, reason: Reason | None) -> None:
    found = result(binary(headers))
    assert (found.reason if isinstance(found, Refusal) else None) is reason


@pytest.mark.parametrize("value", [b"[]", b"1", b'"x"', b"null"])
def test_binary_payload_that_is_no_object_is_invalid(value: bytes) -> None:
    found = result(binary(value=value))
    assert isinstance(found, Refusal)
    assert found.reason is Reason.INVALID_DATA


@pytest.mark.parametrize(
    ("sequence", "number"), [(0, 0), ("0", 0), ("007", 7), (2**63 - 1, 2**63 - 1), ("0" * 90 + "5", 5)]
)
def test_sequence_may_be_digits_or_a_number(sequence: Any, number: int) -> None:
    found = result(Sent(0, json.dumps(crane("e1", sequence=sequence)).encode()))
    assert isinstance(found, Event)
    assert found.sequence == number


@pytest.mark.parametrize("sequence", [-1, 1.0, True, 2**63, str(2**63), "", " 1", "+1", "1_000", "0x1", [], {}])
def test_anything_else_is_no_sequence(sequence: Any) -> None:
    found = result(Sent(0, json.dumps(crane("e1", sequence=sequence)).encode()))
    assert isinstance(found, Refusal)
    assert found.reason is Reason.INVALID_DATA


def test_data_may_come_as_base64() -> None:
    document = {**crane("e1"), "data_base64": "eyJsb2FkX3QiOiAzLjV9"}
    del document["data"]
    found = result(Sent(0, json.dumps(document).encode()))
    assert isinstance(found, Event)
    data: Any = found.data
    assert data.load_t == 3.5


@pytest.mark.parametrize("text", ["%%%", "", "AA==", "eyJsb2FkX3QiOiBOYU59", 7, None])
def test_base64_that_holds_no_data_is_refused(text: Any) -> None:
    document = {**crane("e1"), "data_base64": text}
    del document["data"]
    assert isinstance(result(Sent(0, json.dumps(document).encode())), Refusal)
