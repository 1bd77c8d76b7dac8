"""The generated files are up to date, and what they say is well formed and complete."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from schemas.events import MODELS
from schemas.generate import ROOT, asyncapi, differences, generated, write
from schemas.generate.jsonschemas import envelope_schema, schema_of
from schemas.metrics import CATALOGUE
from schemas.outcome import Reason
from schemas.tables import RAW_TABLES, ROLLUPS
from schemas.topics import load_topics
from streams.core.envelope import KNOWN_ATTRIBUTES

DOCUMENT = asyncapi.document()
SCHEMAS = ROOT / "schemas"


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def resolve(reference: str) -> Any:
    """What a reference of the AsyncAPI document points at; KeyError or FileNotFoundError when it points nowhere."""
    file, _, pointer = reference.partition("#")
    node = json.loads((SCHEMAS / file).read_text(encoding="utf-8")) if file else DOCUMENT
    for step in pointer.strip("/").split("/") if pointer else ():
        node = node[step]
    return node


def test_generated_files_are_up_to_date() -> None:
    assert differences() == []


def test_same_sources_give_the_same_bytes() -> None:
    command = [sys.executable, "-c", "from schemas.generate import generated; print(sorted(generated().items()))"]
    runs = {
        subprocess.run(command, cwd=ROOT, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_check_names_what_was_edited_and_what_has_no_source(tmp_path: Path) -> None:
    write(tmp_path)
    edited = tmp_path / "docs/reference/metrics.md"
    edited.write_text(edited.read_text(encoding="utf-8") + "by hand\n", encoding="utf-8")
    (tmp_path / "schemas/jsonschema/gone.v1.json").write_text("{}")
    expected = ["docs/reference/metrics.md", "schemas/jsonschema/gone.v1.json"]
    assert differences(tmp_path) == expected
    assert write(tmp_path) == expected
    assert differences(tmp_path) == []
    assert not (tmp_path / "schemas/jsonschema/gone.v1.json").exists()


@pytest.mark.parametrize("name", sorted(generated()))
def test_generated_file_holds_no_address(name: str) -> None:
    text = generated()[name].replace("https://json-schema.org/draft/2020-12/schema", "")
    assert not re.search(r"https?://", text)


@pytest.mark.parametrize("event_type", sorted(MODELS))
def test_json_schema_is_a_schema_named_after_its_type(event_type: str) -> None:
    schema = schema_of(MODELS[event_type])
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:quaystream:schema:{event_type}"
    assert list(schema["properties"]) == list(MODELS[event_type].model_fields)


def test_envelope_schema_knows_the_attributes_the_worker_knows() -> None:
    Draft202012Validator.check_schema(envelope_schema())
    assert set(envelope_schema()["properties"]) == KNOWN_ATTRIBUTES | {"data_base64"}


def test_asyncapi_document_has_the_mandatory_parts() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"]["title"] == "quaystream"
    assert DOCUMENT["info"]["version"]
    assert {"channels", "operations", "components"} <= DOCUMENT.keys()


def test_asyncapi_file_is_the_document() -> None:
    assert yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text(encoding="utf-8")) == DOCUMENT


@pytest.mark.parametrize("reference", sorted(set(references(DOCUMENT))))
def test_reference_resolves(reference: str) -> None:
    assert isinstance(resolve(reference), dict)


def test_every_topic_is_a_channel_with_its_kafka_binding() -> None:
    topics = load_topics()
    assert sorted(channel["address"] for channel in DOCUMENT["channels"].values()) == sorted(topics)
    for channel in DOCUMENT["channels"].values():
        binding = channel["bindings"]["kafka"]
        topic = topics[channel["address"]]
        assert (binding["topic"], binding["partitions"]) == (topic.name, topic.partitions)
        assert binding["topicConfiguration"]["retention.ms"] == int(topic.config["retention.ms"])
        assert binding["bindingVersion"] == "0.5.0"


def test_every_event_type_is_a_message_in_both_modes() -> None:
    names = [message["name"] for message in DOCUMENT["components"]["messages"].values()]
    assert sorted(name for name in names if name in MODELS) == sorted([*MODELS, *MODELS])


@pytest.mark.parametrize("name", sorted(DOCUMENT["operations"]))
def test_operation_sends_or_receives_messages_of_its_channel(name: str) -> None:
    operation = DOCUMENT["operations"][name]
    assert operation["action"] in {"send", "receive"}
    channel = operation["channel"]["$ref"]
    assert operation["messages"]
    assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("topics", list(load_topics())),
        ("events", list(MODELS)),
        ("metrics", [metric.name for metric in CATALOGUE]),
        ("tables", [t.name for t in RAW_TABLES] + [name for r in ROLLUPS for name in (r.minute, r.hour)]),
        ("reasons", [str(reason) for reason in Reason]),
    ],
)
def test_reference_page_names_everything(page: str, names: list[str]) -> None:
    text = generated()[f"docs/reference/{page}.md"]
    assert [name for name in names if name not in text] == []


@pytest.mark.parametrize("page", ["topics", "events", "metrics", "tables", "reasons", "units"])
def test_reference_tables_are_even(page: str) -> None:
    widths: dict[int, set[int]] = {}
    for block, text in enumerate(generated()[f"docs/reference/{page}.md"].split("\n\n")):
        rows = [line for line in text.splitlines() if line.startswith("|")]
        widths[block] = {row.count("|") for row in rows}
    assert any(widths.values())
    assert all(len(counts) <= 1 for counts in widths.values())
