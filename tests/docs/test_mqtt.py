"""The guide to MQTT: its tables and mappings are valid, its example is what comes of it, its words are all there are."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from connectors.csv.mapping import load_mapping
from connectors.edge.config import AnySource
from connectors.edge.source_settings import SourceSettings
from connectors.mqtt.reading import mapped
from connectors.mqtt.settings import BrokerSettings, MqttSettings
from connectors.mqtt.topics import Topic
from connectors.mqtt.troubles import Trouble
from connectors.opcua.settings import OpcUaSettings
from connectors.sparkplug.settings import SparkplugSettings
from tests.support.documents import ROOT, Document
from tests.support.published import published

GUIDE = Document(ROOT / "docs/how-to/mqtt.md")
TABLES = [table for block in GUIDE.blocks("toml") for table in tomllib.loads(block)["sources"]]
SETTINGS: dict[str, type[SourceSettings]] = {
    "mqtt": MqttSettings,
    "sparkplug": SparkplugSettings,
    "opcua": OpcUaSettings,
}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table["kind"])
def test_a_table_of_the_guide_is_valid(table: dict[str, Any]) -> None:
    assert isinstance(TypeAdapter(AnySource).validate_python(table), SETTINGS[table["kind"]])


def test_the_guide_has_a_table_of_each_kind() -> None:
    assert [table["kind"] for table in TABLES] == list(SETTINGS)


def test_every_word_is_in_the_guide_and_no_other() -> None:
    rows = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", GUIDE.text, re.MULTILINE)
    told = {word for row in rows for word in re.findall(r"`([a-z_]+)`", row)}
    words = {name for settings in SETTINGS.values() for name in settings.model_fields} - set(
        SourceSettings.model_fields
    )
    assert told == words
    assert words >= set(BrokerSettings.model_fields) - set(SourceSettings.model_fields)


@pytest.mark.parametrize("text", GUIDE.blocks("yaml"))
def test_a_mapping_of_the_guide_is_valid(text: str, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(text)
    assert load_mapping(str(tmp_path / "m.yaml")).type == "io.quaystream.crane.sample.v1"


def test_the_example_becomes_what_the_guide_says(tmp_path: Path) -> None:
    topic, payload = re.findall(r"On `(\S+)`, `(\{.+?\})` becomes", GUIDE.text)[0]
    (tmp_path / "m.yaml").write_text(GUIDE.blocks("yaml")[0])
    names = Topic("tanvu/{crane}/plc").names_in(topic)
    assert names is not None
    (event,) = mapped(load_mapping(str(tmp_path / "m.yaml")), "number")(published(topic, json.loads(payload)), names)
    assert isinstance(event, dict)
    assert (event["subject"], event["data"]) == (
        "VNHPH-TANVU-STS03",
        {"hoist_position_m": 12.5, "spreader_locked": True},
    )


def test_every_trouble_is_in_the_guide() -> None:
    assert set(get_args(Trouble)) - set(re.findall(r"trouble=([a-z_]+)", GUIDE.text)) == {"refused"}
