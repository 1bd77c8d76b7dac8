"""The hot decoder, the careful path and the pydantic models take and refuse the same, with equal values."""

import json
import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NoReturn

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.events import MODELS
from schemas.events.model import EventData, EventPart
from schemas.examples import Example, load_examples
from streams.core.batch import read
from streams.core.decode import Decoded, Decoder
from streams.core.domain import Limits
from streams.core.envelope import KNOWN_ATTRIBUTES, Event
from streams.core.head import head_of
from streams.core.record import Record, Stretch, TopicPartition
from streams.core.refusal import Refusal
from tests.support.json_texts import ANYTHING, Raw, disturbed, to_bytes
from tests.support.model_data import data_of
from tests.support.records import CRANE, SOURCE, Sent, crane, moment, record_of

LIMITS = Limits(max_record_bytes=2_000_000)
DECODERS = {name: Decoder([model], LIMITS.max_record_bytes) for name, model in MODELS.items()}
TP = TopicPartition("some-events", 0)
DEEPEST = 64
TOO_LARGE = 10**400
EXTRA_ATTRIBUTES = ("data_base64", "unknown")


class OnlyCareful:
    """A decoder without the hot path."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def decode(self, records: Sequence[Record]) -> Decoded:
        judged = [self._decoder._careful.judge(record) for record in records]
        events = [each if isinstance(each, Event) else None for each in judged]
        refusals = {i: each for i, each in enumerate(judged) if isinstance(each, Refusal)}
        noted = [i for i, e in enumerate(events) if e is not None and (e.extra or e.has_unknown) is not None]
        return Decoded(events, refusals, head_of(events), noted)


def result_of(decoder: Any, record: Record) -> Event | Refusal:
    """What one record becomes once its time is judged too."""
    batch = read([Stretch(TP, 0, [record])], decoder, LIMITS, {})
    event = batch.events[0]
    return batch.refusals[0] if event is None else event


def envelope(event_type: str, data: Any) -> bytes:
    """A well-formed event with any text as its data."""
    return to_bytes({**crane("e1"), "type": event_type, "data": data})


def is_plain(data: bytes) -> bool:
    """Whether a document is JSON in UTF-8 without infinities (or as good as), NUL and lone surrogates, not too deep."""
    try:
        text = data.decode()
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return _is_plain(value, 2) and "\\u0000" not in text


def deepest_bracket(document: bytes) -> int:
    """How many brackets are open at once, at most, by counting them."""
    return max(accumulate({ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}.get(byte, 0) for byte in document))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _is_plain(value: Any, depth: int) -> bool:
    if isinstance(value, dict):
        return depth <= DEEPEST and all(map(_is_text, value)) and all(_is_plain(v, depth + 1) for v in value.values())
    if isinstance(value, list):
        return depth <= DEEPEST and all(_is_plain(v, depth + 1) for v in value)
    if isinstance(value, str):
        return _is_text(value)
    if isinstance(value, int):
        return abs(value) < TOO_LARGE
    return not isinstance(value, float) or math.isfinite(value)


def _is_text(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def model_of(model: type[EventData], data: bytes) -> EventData | None:
    """The model's value of a document, None when it refuses it."""
    try:
        return model.model_validate_json(data)
    except ValidationError:
        return None


def known(value: Any) -> Any:
    """A model's or a struct's known fields, as plain values."""
    if isinstance(value, EventPart):
        return {name: known(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, msgspec.Struct):
        return {name: known(getattr(value, name)) for name in value.__struct_fields__}
    return [known(item) for item in value] if isinstance(value, list) else value


def unknown(value: EventPart) -> dict[str, Any]:
    """A model's unknown fields as the worker keeps them: those of list items by position under the list's name."""
    found: dict[str, Any] = dict(value.model_extra or {})
    for name in type(value).model_fields:
        items = getattr(value, name)
        if isinstance(items, list):
            inner = {
                str(i): unknown(item) for i, item in enumerate(items) if isinstance(item, EventPart) and unknown(item)
            }
            found |= {name: inner} if inner else {}
    return found


@pytest.mark.parametrize("name", sorted(MODELS))
@given(data=st.data())
def test_worker_takes_exactly_what_the_model_takes(name: str, data: st.DataObject) -> None:
    model = MODELS[name]
    drawn = data.draw(data_of(model))
    document = to_bytes(data.draw(disturbed(drawn, tuple(model.model_fields))))
    # The model's parser refuses depth even where a later value of the same key takes its place: nobody sends that.
    assume(not is_plain(document) or deepest_bracket(document) < DEEPEST)
    record = Sent(0, envelope(name, Raw(document.decode("utf-8", "surrogatepass"))))
    result = result_of(DECODERS[name], record)
    expected = model_of(model, document) if is_plain(document) else None
    assert isinstance(result, Event) == (expected is not None), result
    if expected is not None and isinstance(result, Event):
        assert repr(known(result.data)) == repr(known(expected))
        assert (result.extra or {}) == unknown(expected)


@pytest.mark.parametrize("name", sorted(MODELS))
@given(data=st.data())
def test_undisturbed_data_is_taken_by_the_hot_path(name: str, data: st.DataObject) -> None:
    """Else the agreement above would be an agreement about refusing."""
    model = MODELS[name]
    document = to_bytes(data.draw(data_of(model)))
    decoder = DECODERS[name]
    is_taken = isinstance(result_of(decoder, Sent(0, envelope(name, Raw(document.decode())))), Event)
    assert is_taken == (model_of(model, document) is not None)


ATTRIBUTES: Mapping[str, Any] = {
    **crane("e1"),
    "bootid": "b",
    "sequence": "7",
    "recordedtime": moment(5),
    "datacontenttype": "application/json",
    "dataschema": "https://example.org/s",
    "dataclassification": "public",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "partitionkey": CRANE,
}
ATTRIBUTE_NAMES = (*sorted(KNOWN_ATTRIBUTES), *EXTRA_ATTRIBUTES)
HOT = Decoder([MODELS["io.quaystream.crane.sample.v1"]], LIMITS.max_record_bytes)


@given(data=st.data())
def test_hot_and_careful_path_agree_on_envelopes(data: st.DataObject) -> None:
    value = to_bytes(data.draw(disturbed(dict(ATTRIBUTES), ATTRIBUTE_NAMES)))
    record = Sent(0, value)
    assert result_of(HOT, record) == result_of(OnlyCareful(HOT), record)


@pytest.mark.parametrize("attribute", ATTRIBUTE_NAMES)
@given(value=ANYTHING)
def test_hot_and_careful_path_agree_on_every_attribute(attribute: str, value: Any) -> None:
    record = Sent(0, to_bytes({**ATTRIBUTES, attribute: value}))
    assert result_of(HOT, record) == result_of(OnlyCareful(HOT), record)


@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from(["ce_id", "ce_source", "CE_Type", "ce_sequence", "ce_time", "x"]), st.binary(max_size=6)
        ),
        max_size=5,
    )
)
def test_hot_and_careful_path_agree_on_binary_mode(headers: list[tuple[str, bytes]]) -> None:
    given_headers = [(f"ce_{n}", str(v).encode()) for n, v in ATTRIBUTES.items() if n != "data"]
    record = Sent(0, b'{"load_t": 1}', CRANE.encode(), (*given_headers, *headers))
    assert result_of(HOT, record) == result_of(OnlyCareful(HOT), record)


@pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.name)
def test_hot_and_careful_path_agree_on_examples(example: Example) -> None:
    domain = [model for name, model in MODELS.items() if example.topic == f"{name.split('.')[2]}-events"]
    decoder = Decoder(domain, Limits().max_record_bytes)
    record = record_of(example)
    assert result_of(decoder, record) == result_of(OnlyCareful(decoder), record)


def test_events_of_both_paths_are_compared_by_value() -> None:
    """The comparison above can fail: two events that differ in one field are not equal."""
    one, other = (result_of(HOT, Sent(0, to_bytes(crane("e1", load_t=load)))) for load in (1.0, 2.0))
    assert isinstance(one, Event)
    assert one != other
    assert one.source == SOURCE


@pytest.mark.parametrize("name", ["extra", "(extra)", "has_unknown", "(has_unknown)"])
@given(value=ANYTHING)
def test_no_attribute_can_pose_as_what_the_worker_adds(name: str, value: Any) -> None:
    result = result_of(HOT, Sent(0, to_bytes({**ATTRIBUTES, name: value})))
    assert isinstance(result, Refusal) or result.extra is None
