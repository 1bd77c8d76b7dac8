"""The examples are complete, read as described, and agree with the models and with the generated JSON Schemas.

Which reason a worker gives them is tested with the decoder.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from schemas.events import MODELS
from schemas.examples import FOLDER, Example, load_examples, read_example
from schemas.generate.jsonschemas import envelope_schema, schema_of
from schemas.outcome import Reason
from schemas.topics import EVENT_TOPICS, TOPIC_BY_TYPE

EXAMPLES = load_examples()
VALID = [example for example in EXAMPLES if example.expected is None]
REFUSED_FOR_DATA = [example for example in EXAMPLES if example.expected is Reason.INVALID_DATA]
NEED_MORE_THAN_ONE_RECORD = {Reason.SOURCE_REFUSED, Reason.SEQUENCE_CONFLICT, Reason.STORAGE_REFUSED}

VALIDATORS = {name: Draft202012Validator(schema_of(model)) for name, model in MODELS.items()}
ENVELOPE = Draft202012Validator(envelope_schema())

# What JSON Schema has no words for; the models refuse them all.
BEYOND_JSON_SCHEMA = {
    "invalid_data--count-with-decimal-point",
    "invalid_data--spreader-length-with-decimal-point",
    "invalid_data--infinity-in-unknown-field",
    "invalid_data--nul-in-text",
    "invalid_data--nul-in-plate",
    "invalid_data--nul-in-label",
    "invalid_data--nul-in-unknown-field",
    "invalid_data--nul-in-field-name",
    "invalid_data--container-wrong-check-digit",
    "invalid_data--container-remainder-10-digit-1",
    "invalid_data--container-digits-swapped",
    "invalid_data--imo-wrong-check-digit",
    "invalid_data--expected-time-30-february",
    "invalid_data--imo-digits-swapped",
    "invalid_data--imo-last-digits-swapped",
}

# Days that no calendar has, and NUL: beyond a pattern.
BEYOND_THE_ENVELOPE_SCHEMA = {
    "invalid_data--time-30-february",
    "invalid_data--time-month-13",
    "invalid_data--nul-in-id",
}


def attributes_of(example: Example) -> Mapping[str, Any]:
    """The CloudEvents attributes, the data among them, of an example that is an event."""
    value = json.loads(example.value or b"")
    if example.mode != "binary":
        return dict(value)
    headers = {name.removeprefix("ce_"): text.decode() for name, text in example.headers if name.startswith("ce_")}
    return {**headers, "data": value}


def data_of(example: Example) -> Any:
    attributes = attributes_of(example)
    return attributes.get("data")


def type_of(example: Example) -> str:
    return str(attributes_of(example)["type"])


def is_refused_by_its_model(example: Example) -> bool:
    try:
        MODELS[type_of(example)].model_validate(data_of(example))
    except ValidationError:
        return True
    return False


def by_name(example: Example) -> str:
    return example.name


WITH_DATA = [example for example in VALID if data_of(example) is not None]
WITH_BAD_DATA = [example for example in REFUSED_FOR_DATA if is_refused_by_its_model(example)]
WITH_BAD_ENVELOPE = [example for example in REFUSED_FOR_DATA if not is_refused_by_its_model(example)]


def test_every_file_is_claimed_by_a_topic() -> None:
    assert sorted(FOLDER.rglob("*.json")) == sorted(example.path for example in EXAMPLES)


@pytest.mark.parametrize("event_type", sorted(MODELS))
@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_every_event_type_has_a_valid_example_in_both_modes(event_type: str, mode: str) -> None:
    assert [e.name for e in VALID if type_of(e) == event_type and e.mode == mode]


@pytest.mark.parametrize("topic", [topic.name for topic in EVENT_TOPICS])
@pytest.mark.parametrize("kind", ["unknown-field", "unknown-attribute"])
def test_every_topic_has_a_valid_example_with_what_nobody_knows(topic: str, kind: str) -> None:
    assert [e.name for e in VALID if e.topic == topic and f"--{kind}" in e.path.stem]


@pytest.mark.parametrize("reason", sorted(set(Reason) - NEED_MORE_THAN_ONE_RECORD))
def test_every_reason_that_one_record_can_get_has_an_example(reason: Reason) -> None:
    assert [example.name for example in EXAMPLES if example.expected is reason]


@pytest.mark.parametrize("example", VALID, ids=by_name)
def test_valid_example_is_of_a_type_declared_for_its_topic(example: Example) -> None:
    assert TOPIC_BY_TYPE[type_of(example)].name == example.topic


@pytest.mark.parametrize("example", [e for e in VALID if e.key is not None], ids=by_name)
def test_valid_example_is_keyed_by_its_subject(example: Example) -> None:
    assert (example.key or b"").decode() == attributes_of(example)["subject"]


@pytest.mark.parametrize("example", VALID, ids=by_name)
def test_valid_envelope_keeps_the_envelope_schema(example: Example) -> None:
    ENVELOPE.validate(attributes_of(example))


@pytest.mark.parametrize("example", WITH_DATA, ids=by_name)
def test_valid_data_is_taken_by_its_model(example: Example) -> None:
    MODELS[type_of(example)].model_validate_json(json.dumps(data_of(example)))


@pytest.mark.parametrize("example", WITH_DATA, ids=by_name)
def test_valid_data_keeps_its_json_schema(example: Example) -> None:
    VALIDATORS[type_of(example)].validate(data_of(example))


@pytest.mark.parametrize("example", WITH_BAD_ENVELOPE, ids=by_name)
def test_invalid_data_that_the_model_takes_is_wrong_in_its_envelope(example: Example) -> None:
    is_valid = ENVELOPE.is_valid(attributes_of(example))
    assert is_valid == (example.path.stem in BEYOND_THE_ENVELOPE_SCHEMA)


@pytest.mark.parametrize("example", WITH_BAD_DATA, ids=by_name)
def test_json_schema_refuses_what_it_can_say(example: Example) -> None:
    is_valid = VALIDATORS[type_of(example)].is_valid(data_of(example))
    assert is_valid == (example.path.stem in BEYOND_JSON_SCHEMA)


def test_file_without_a_known_reason_is_no_example(tmp_path: Path) -> None:
    folder = tmp_path / "invalid"
    folder.mkdir()
    for name in ("strange--record.json", "undecodable.json"):
        (folder / name).write_text('{"mode": "raw", "headers": {}}')
        with pytest.raises(ValueError, match=r"strange|undecodable"):
            read_example(folder / name, "crane-events")


def test_file_is_read_as_described(tmp_path: Path) -> None:
    folder = tmp_path / "valid"
    folder.mkdir()
    document = {
        "mode": "binary",
        "key": "VNHPH-TANVU-STS03",
        "headers": {"ce_id": "7"},
        "headers_base64": {"ce_subject": "/w=="},
        "value": {"reason": "gió"},
        "pad_to_bytes": 20,
    }
    (folder / "one.json").write_text(json.dumps(document))
    example = read_example(folder / "one.json", "crane-events")
    assert example.key == b"VNHPH-TANVU-STS03"
    assert example.headers == (("ce_id", b"7"), ("ce_subject", b"\xff"))
    assert example.value == '{"reason":"gió"}   '.encode()
    assert example.expected is None
