"""The compatibility gate: each rule with an example that it refuses, what it lets pass, and the real releases."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import create_model

from schemas.compatibility import FOLDER, Published, breaks_since, load_releases, published_now, release
from schemas.compatibility.schemas import schema_breaks
from schemas.errors import ConfigurationError
from schemas.events.crane import CraneSample
from schemas.generate import ROOT
from schemas.generate.jsonschemas import schema_of

SAMPLE = "io.quaystream.crane.sample.v1"
TEXT = {"type": "string"}
NUMBER = {"type": "number"}
NULL = {"type": "null"}


def of(field: dict[str, Any] | bool, *required: str, **more: Any) -> dict[str, Any]:
    """The schema of an object whose field `speed` is as given."""
    return {"type": "object", "properties": {"speed": field}, "required": list(required), **more}


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [words.replace(SAMPLE, "TYPE") for words in schema_breaks(SAMPLE, old, new)]


# (what is said, the old schema, the new one, a value that shows it: the old schema takes it, the new one does not)
REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], Any]] = [
    ("field speed of TYPE became required", of(TEXT), of(TEXT, "speed"), {}),
    (
        "field wind of TYPE is new and required",
        of(TEXT),
        {**of(TEXT, "wind"), "properties": {"speed": TEXT, "wind": TEXT}},
        {"speed": "1"},
    ),
    ("field speed of TYPE no longer takes number, only string", of(NUMBER), of(TEXT), {"speed": 1.5}),
    ("field speed of TYPE no longer takes number, only integer", of(NUMBER), of({"type": "integer"}), {"speed": 1.5}),
    ("field speed of TYPE no longer takes any value, only string", of({}), of(TEXT), {"speed": 3}),
    ("field speed of TYPE no longer takes null, only number", of({"anyOf": [NUMBER, NULL]}), of(NUMBER), {"speed": None}),
    ("field speed of TYPE is refused", of(NUMBER), of(False), {"speed": 1}),
    ("field speed of TYPE no longer takes fast", of({"enum": ["slow", "fast"]}), of({"enum": ["slow"]}), {"speed": "fast"}),
    ("field speed of TYPE no longer takes fast", of({"const": "fast"}), of({"const": "slow"}), {"speed": "fast"}),
    ("field speed of TYPE takes nothing but slow now", of(TEXT), of({"enum": ["slow"], **TEXT}), {"speed": "fast"}),
    ("field speed of TYPE must now be at least 0", of(NUMBER), of({**NUMBER, "minimum": 0}), {"speed": -1}),
    (
        "field speed of TYPE must now be more than 0",
        of({**NUMBER, "minimum": 0}),
        of({**NUMBER, "exclusiveMinimum": 0}),
        {"speed": 0},
    ),
    (
        "field speed of TYPE must now be at most 4",
        of({**NUMBER, "maximum": 5}),
        of({**NUMBER, "maximum": 4}),
        {"speed": 5},
    ),
    (
        "field speed of TYPE must now be less than 5",
        of({**NUMBER, "maximum": 5}),
        of({**NUMBER, "exclusiveMaximum": 5}),
        {"speed": 5},
    ),
    ("field speed of TYPE must now have at least 1 characters", of(TEXT), of({**TEXT, "minLength": 1}), {"speed": ""}),
    ("field speed of TYPE must now have at most 3 characters", of(TEXT), of({**TEXT, "maxLength": 3}), {"speed": "fast"}),
    (
        "field speed of TYPE must now have at least 2 items",
        of({"type": "array", "minItems": 1}),
        of({"type": "array", "minItems": 2}),
        {"speed": [1]},
    ),
    ("field speed of TYPE must now have at most 1 items", of({"type": "array"}), of({"type": "array", "maxItems": 1}), {"speed": [1, 2]}),
    ("field speed of TYPE must now match ^[0-9]+$", of(TEXT), of({**TEXT, "pattern": "^[0-9]+$"}), {"speed": "fast"}),
    (
        'field speed of TYPE now refuses {"const": 0}',
        of(NUMBER),
        of({**NUMBER, "not": {"const": 0}}),
        {"speed": 0},
    ),
    (
        "field speed[].unit of TYPE became required",
        of({"type": "array", "items": {"$ref": "#/$defs/One"}}, **{"$defs": {"One": {"properties": {"unit": TEXT}}}}),
        of({"type": "array", "items": {"$ref": "#/$defs/One"}}, **{"$defs": {"One": {"properties": {"unit": TEXT}, "required": ["unit"]}}}),
        {"speed": [{}]},
    ),
    (
        "field speed.* of TYPE no longer takes integer, only string",
        of({"type": "object", "additionalProperties": {"anyOf": [TEXT, {"type": "integer"}]}}),
        of({"type": "object", "additionalProperties": TEXT}),
        {"speed": {"x": 1}},
    ),
    ("TYPE no longer takes unknown fields", of(TEXT), of(TEXT, additionalProperties=False), {"wind": 1}),
    ("TYPE must now have one of speed, wind", of(TEXT), of(TEXT, anyOf=[{"required": ["speed"]}, {"required": ["wind"]}]), {}),
    (
        "TYPE is refused now when it has wind alone",
        of(TEXT, anyOf=[{"required": ["speed"]}, {"required": ["wind"]}]),
        of(TEXT, anyOf=[{"required": ["speed"]}]),
        {"wind": 1},
    ),
    (
        "field speed of TYPE changed in multipleOf, which schemas/compatibility has no rule for",
        of(NUMBER),
        of({**NUMBER, "multipleOf": 5}),
        {"speed": 3},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("words", "old", "new", "witness"), REFUSED, ids=[case[0] for case in REFUSED])
def test_narrower_schema_is_a_break(words: str, old: dict[str, Any], new: dict[str, Any], witness: Any) -> None:
    assert breaks(old, new) == [words]
    assert Draft202012Validator(old).is_valid(witness)
    assert not Draft202012Validator(new).is_valid(witness)


def test_field_that_is_no_more_is_a_break_though_an_open_schema_takes_it() -> None:
    assert breaks(of(TEXT), {"type": "object", "properties": {}}) == ["field speed of TYPE was removed"]


def test_format_that_is_new_is_a_break() -> None:
    assert breaks(of(TEXT), of({**TEXT, "format": "date-time"})) == ["field speed of TYPE must now be a date-time"]


ALLOWED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("a new optional field", of(TEXT), {**of(TEXT), "properties": {"speed": TEXT, "wind": NUMBER}}),
    ("a required field becomes optional", of(TEXT, "speed"), of(TEXT)),
    ("a value more", of({"enum": ["slow"]}), of({"enum": ["slow", "fast"]})),
    ("null as well", of(NUMBER), of({"anyOf": [NUMBER, NULL]})),
    ("whole numbers become numbers", of({"type": "integer"}), of(NUMBER)),
    ("wider bounds", of({**NUMBER, "exclusiveMinimum": 0, "maximum": 5}), of({**NUMBER, "minimum": 0, "maximum": 6})),
    ("no bounds", of({**TEXT, "maxLength": 3, "pattern": "^a"}), of(TEXT)),
    ("another description", of({**TEXT, "description": "as it was"}), of({**TEXT, "description": "as it is"})),
    ("any of more fields", of(TEXT, anyOf=[{"required": ["a"]}]), of(TEXT, anyOf=[{"required": ["a"]}, {"required": ["b"]}])),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), [case[1:] for case in ALLOWED], ids=[case[0] for case in ALLOWED])
def test_wider_schema_is_no_break(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert breaks(old, new) == []


def test_model_whose_field_becomes_required_is_refused_in_words() -> None:
    newer = create_model("CraneSample", __base__=CraneSample, hoist_speed_mps=(float, ...))
    now = published_now()
    changed = replace(now, schemas={**now.schemas, SAMPLE: schema_of(newer)})
    said = breaks_since(load_releases(), changed)
    assert f"field hoist_speed_mps of {SAMPLE} became required (released in 0.1.0)" in said


def test_break_with_an_older_release_stays_one_when_the_newer_release_has_it_too() -> None:
    def of_version(*words: str) -> Published:
        return Published({}, {SAMPLE: of({"enum": list(words)})})

    releases = {
        "1.0.0": of_version("slow", "fast"),
        "1.1.0": of_version("slow", "fast", "idle"),
        "1.2.0": of_version("slow"),
    }
    assert breaks_since(releases, of_version("slow")) == [
        f"field speed of {SAMPLE} no longer takes fast (released in 1.0.0, 1.1.0)",
        f"field speed of {SAMPLE} no longer takes idle (released in 1.1.0)",
    ]


def test_event_type_and_topic_that_are_no_more_are_breaks() -> None:
    before = Published({"a-events": ["a.v1", "b.v1", "c.v1"], "z-events": []}, {"a.v1": {}, "b.v1": {}, "c.v1": {}})
    now = Published({"a-events": ["a.v1"]}, {"a.v1": {}, "c.v1": {}})
    assert breaks_since({"1.0.0": before}, now) == [
        "event type b.v1 is no more (released in 1.0.0)",
        "topic a-events no longer takes c.v1 (released in 1.0.0)",
        "topic z-events is no more (released in 1.0.0)",
    ]


def test_type_that_no_release_has_may_change() -> None:
    assert breaks_since({"1.0.0": Published({}, {})}, published_now()) == []


def test_tree_keeps_what_its_releases_promised() -> None:
    assert next(iter(load_releases())) == "0.1.0"
    assert breaks_since(load_releases(), published_now()) == []


def gate(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "schemas.compatibility", "--folder", str(folder), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_gate_ends_with_1_and_says_what_breaks(tmp_path: Path) -> None:
    released = json.loads((FOLDER / "0.1.0.json").read_text(encoding="utf-8"))
    released["schemas"]["io.quaystream.crane.status.v1"]["properties"]["status"]["enum"].append("parked")
    (tmp_path / "0.1.0.json").write_text(json.dumps(released))
    run = gate(tmp_path)
    words = "field status of io.quaystream.crane.status.v1 no longer takes parked (released in 0.1.0)"
    assert (run.returncode, run.stdout.splitlines()[0]) == (1, f"breaks: {words}")
    assert gate(tmp_path, "--release", "0.2.0").returncode == 1
    assert not (tmp_path / "0.2.0.json").exists()


def test_release_is_written_once_and_holds(tmp_path: Path) -> None:
    release("0.9.0", tmp_path)
    assert gate(tmp_path, "--release", "0.10.0").returncode == 0
    assert list(load_releases(tmp_path)) == ["0.9.0", "0.10.0"]
    again = gate(tmp_path, "--release", "0.10.0")
    assert (again.returncode, again.stderr) == (2, "0.10.0 is released; give --release the next version\n")
    with pytest.raises(ConfigurationError, match="is no version"):
        release("next", tmp_path)


def test_file_that_is_no_release_is_named(tmp_path: Path) -> None:
    (tmp_path / "1.0.0.json").write_text("{}")
    assert gate(tmp_path).returncode == 2
