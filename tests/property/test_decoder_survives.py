"""Whatever bytes arrive, the decoder answers with an event or a refusal, and in bounded time."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import EVENTS_BY_DOMAIN
from schemas.examples import load_examples
from schemas.outcome import Reason
from streams.core.batch import read
from streams.core.decode import Decoder
from streams.core.domain import Limits
from streams.core.envelope import Event
from streams.core.record import Stretch
from streams.core.refusal import Refusal
from tests.support.json_texts import ANYTHING, to_bytes
from tests.support.records import CRANES, Sent, record_of

LIMITS = Limits(max_record_bytes=4_000_000)
DECODER = Decoder([model for models in EVENTS_BY_DOMAIN.values() for model in models], LIMITS.max_record_bytes)
EXAMPLES = [record_of(example) for example in load_examples() if example.value and len(example.value) < 10_000]
HEADER_NAMES = ("content-type", "ce_id", "ce_source", "ce_type", "ce_specversion", "ce_subject", "ce_time", "ce_", "\0")
HEADERS = st.lists(st.tuples(st.sampled_from(HEADER_NAMES), st.none() | st.binary(max_size=12)), max_size=8)
SLOWEST_CPU_S = 3.0


def result_of(record: Sent) -> Event | Refusal:
    batch = read([Stretch(CRANES, 0, [record])], DECODER, LIMITS, {})
    event = batch.events[0]
    return batch.refusals[0] if event is None else event


@given(value=st.none() | st.binary(max_size=200), headers=HEADERS)
def test_any_bytes_get_an_answer(value: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    assert isinstance(result_of(Sent(0, value, None, headers)), Refusal)


@given(value=ANYTHING, headers=HEADERS)
def test_any_json_gets_an_answer(value: Any, headers: list[tuple[str, bytes | None]]) -> None:
    assert isinstance(result_of(Sent(0, to_bytes(value), None, headers)), Refusal)


@given(data=st.data())
def test_an_event_with_broken_bytes_gets_an_answer(data: st.DataObject) -> None:
    record = data.draw(st.sampled_from(EXAMPLES))
    value = bytearray(record.value or b"")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(value)))
        value[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    assert isinstance(result_of(Sent(0, bytes(value), None, record.headers)), (Event, Refusal))


BOMBS = {
    "arrays": b"[" * 1_000_000,
    "closed-arrays": b"[" * 500_000 + b"]" * 500_000,
    "objects": b'{"a":' * 300_000,
    "digits": b"9" * 3_000_000,
    "digits-in-an-object": b'{"id":' + b"9" * 3_000_000 + b"}",
    "fraction": b"0." + b"9" * 3_000_000,
    "exponent": b"1e" + b"9" * 3_000_000,
    "escapes": b'"' + b"\\u0041" * 500_000 + b'"',
    "surrogates": b'"' + b"\\ud800" * 500_000 + b'"',
    "blanks": b" " * 3_000_000,
    "keys": b"{" + b",".join(b'"k%d":1' % i for i in range(250_000)) + b"}",
    "one-key": b"{" + b",".join([b'"k":1'] * 400_000) + b"}",
    "not-utf-8": b"\xff" * 3_000_000,
}
DEEP_IN_DATA = (
    b'{"id":"1","source":"s","specversion":"1.0","type":"io.quaystream.crane.sample.v1","subject":"VNHPH-TANVU-STS01",'
    b'"time":"2026-11-24T02:00:00Z","data":{"load_t":1,"x":%s}}'
)


@pytest.mark.parametrize("bomb", sorted(BOMBS))
def test_bomb_is_refused_in_bounded_time(bomb: str) -> None:
    started = time.process_time()
    result = result_of(Sent(0, BOMBS[bomb]))
    assert isinstance(result, Refusal)
    assert result.reason in (Reason.UNDECODABLE, Reason.NOT_CLOUDEVENT)
    assert len(result.detail) < 1_000
    assert time.process_time() - started < SLOWEST_CPU_S


@pytest.mark.parametrize(("levels", "reason"), [(62, None), (63, Reason.UNDECODABLE), (100_000, Reason.UNDECODABLE)])
def test_data_may_be_64_levels_deep(levels: int, reason: Reason | None) -> None:
    result = result_of(Sent(0, DEEP_IN_DATA % (b"[" * levels + b"]" * levels)))
    assert (result.reason if isinstance(result, Refusal) else None) == reason


def test_long_unknown_text_does_not_flood_the_detail() -> None:
    value = DEEP_IN_DATA.replace(b"VNHPH-TANVU-STS01", b"x" * 1_000_000) % b"1"
    result = result_of(Sent(0, value))
    assert isinstance(result, Refusal)
    assert result.reason is Reason.BAD_SUBJECT
    assert len(result.detail) < 1_000
