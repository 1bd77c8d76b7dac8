"""The source of kind `sparkplug` on a real Mosquitto, with an edge node that is not ours."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.sparkplug.settings import SparkplugSettings
from schemas.metrics import CONNECTOR_MISSING, SPARKPLUG_REBIRTHS
from tests.support.doors import Opened
from tests.support.listening import counted, listening, passed_by, until
from tests.support.mosquitto import Mosquitto
from tests.support.sparkplug import EdgeNode, metric

MAPPING = """
type: io.quaystream.crane.sample.v1
time: {column: sparkplug.time_ms, unit: ms}
subject: {column: sparkplug.asset, site: VNHPH-TANVU}
fields:
  hoist_position_m: {column: Hoist/Position, type: number, scale: 0.001}
  load_t: {column: Spreader/Load, type: number}
  spreader_locked: {column: Spreader/Locked, type: boolean}
"""
T0 = 1_767_225_600_000
BORN = [
    metric("Hoist/Position", "INT32", 12_500, T0, alias=1),
    metric("Spreader/Load", "DOUBLE", 20.5, T0, alias=2),
    metric("Spreader/Locked", "BOOLEAN", True, T0, alias=3),
    metric("Cabin/Photo", "BYTES", None, T0, alias=4),
]


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    mosquitto = Mosquitto(tmp_path_factory.mktemp("mosquitto")).start()
    yield mosquitto
    mosquitto.stop()


@pytest.fixture
def node(mosquitto: Mosquitto) -> Iterator[EdgeNode]:
    node = EdgeNode(mosquitto.plain)
    yield node
    node.end()


def settings_of(mosquitto: Mosquitto, folder: Path, client_id: str, mapping: str = MAPPING) -> SparkplugSettings:
    (folder / "crane.yaml").write_text(mapping)
    own = {"kind": "sparkplug", "name": "test", "host": "127.0.0.1", "port": mosquitto.plain, "groups": ["tanvu"]}
    return SparkplugSettings.model_validate({**own, "client_id": client_id, "mappings": [str(folder / "crane.yaml")]})


async def data(opened: Opened) -> list[dict[str, Any]]:
    return [event["data"] for event in await opened.kept()]


async def test_births_give_aliases_their_meaning_and_a_miss_asks_for_another(
    mosquitto: Mosquitto, node: EdgeNode, tmp_path: Path
) -> None:
    settings = settings_of(mosquitto, tmp_path, "births")
    async with listening(tmp_path, settings) as opened:
        node.do("start", devices={"STS03": BORN})
        await until(lambda: opened.count() == 1, "the birth's values are kept")
        node.do("data", device="STS03", metrics=[metric(None, "INT32", -250, T0 + 1000, alias=1)])
        later = [metric(None, "DOUBLE", 21.25, T0 + 500, alias=2, historical=True)]
        node.do("data", device="STS03", metrics=[*later, metric(None, "BOOLEAN", False, T0 + 2000, alias=3)])
        await until(lambda: opened.count() == 4, "data by alias is kept")
        events = await opened.kept()
        assert [event["data"] for event in events] == [
            {"hoist_position_m": 12.5, "load_t": 20.5, "spreader_locked": True},
            {"hoist_position_m": -0.25},
            {"load_t": 21.25, "is_historical": True},
            {"spreader_locked": False},
        ]
        assert [event["time"][17:] for event in events] == ["00.000Z", "01.000Z", "00.500Z", "02.000Z"]
        assert {event["subject"] for event in events} == {"VNHPH-TANVU-STS03"}
        node.do("data", device="STS03", metrics=[metric(None, "INT32", 7, T0 + 3000, alias=77)])
        await until(node.was_asked_for_rebirth, "the node is asked for a rebirth")
        assert opened.errors("no_birth") == 1
        assert counted(opened, SPARKPLUG_REBIRTHS) == 1
        node.do("rebirth")
        node.do("data", device="STS03", metrics=[metric(None, "INT32", 500, T0 + 4000, alias=1)])
        await until(lambda: opened.count() == 5, "after it data is kept, and the birth's old values are not again")
        assert counted(opened, CONNECTOR_MISSING) == 0
        assert opened.errors("invalid") == 0


async def test_a_restart_of_ours_knows_the_births_and_what_passed_us_by_makes_them_doubtful(
    mosquitto: Mosquitto, node: EdgeNode, tmp_path: Path
) -> None:
    settings = settings_of(mosquitto, tmp_path, "restart")
    async with listening(tmp_path, settings) as opened:
        node.do("start", devices={"STS04": BORN})
        await until(lambda: opened.count() == 1, "the birth is kept")
    async with listening(tmp_path, settings) as opened:
        node.do("data", device="STS04", metrics=[metric(None, "INT32", 1000, T0 + 1000, alias=1)])
        await until(lambda: opened.count() == 1, "data by alias is kept")
        assert (await data(opened))[-1] == {"hoist_position_m": 1.0}
    node.do("data", device="STS04", metrics=[metric(None, "INT32", 1, T0 + 2000, alias=1)])
    await until(lambda: sum("done" in words for words in node.said) == 3, "it has been said while we were away")
    async with listening(tmp_path, settings) as opened:
        node.do("data", device="STS04", metrics=[metric(None, "INT32", 2000, T0 + 3000, alias=1)])
        await until(node.was_asked_for_rebirth, "the node is asked for a rebirth")
        assert opened.errors("no_birth") == 1
        assert counted(opened, CONNECTOR_MISSING) == 1


async def test_gaps_of_seq_are_counted_and_unknown_types_are_refused_by_themselves(
    mosquitto: Mosquitto, node: EdgeNode, tmp_path: Path
) -> None:
    mapping = f"{MAPPING}  photo: {{column: Cabin/Photo, type: text}}\n"
    async with listening(tmp_path, settings_of(mosquitto, tmp_path, "gaps", mapping)) as opened:
        node.do("start", devices={"STS05": BORN})
        await until(lambda: opened.count() == 1, "the birth is kept")
        assert opened.errors("unsupported_type") == 1
        node.do("skip", messages=3)
        both = [metric(None, "INT32", 1000, T0 + 1000, alias=1), metric(None, "BYTES", "AAEC", T0 + 1000, alias=4)]
        node.do("data", device="STS05", metrics=both[:1])
        await until(lambda: opened.count() == 2, "what comes after a gap is kept")
        deadline, at = time.monotonic() + 10, T0 + 2000
        while counted(opened, CONNECTOR_MISSING) == 0 and time.monotonic() < deadline:
            node.do("data", device="STS05", metrics=[metric(None, "INT32", 1, at, alias=1)])
            count, at = opened.count(), at + 1000
            await until(lambda: opened.count() > count, "data is kept")  # noqa: B023
        assert counted(opened, CONNECTOR_MISSING) == 3
        await until(node.was_asked_for_rebirth, "the node is asked for a rebirth")


async def test_a_node_that_dies_takes_its_devices_along_and_their_birth_brings_them_back(
    mosquitto: Mosquitto, node: EdgeNode, tmp_path: Path
) -> None:
    async with listening(tmp_path, settings_of(mosquitto, tmp_path, "deaths")) as opened:
        node.do("start", devices={"STS06": BORN, "STS07": BORN})
        await until(lambda: opened.count() == 2, "the births are kept")
        node.do("bury", device="STS07")
        await until(lambda: opened.count() == 3, "the death of a device is kept")
        node.do("die")
        await until(lambda: opened.count() == 4, "the death of the node is its device's")
        other = EdgeNode(mosquitto.plain)
        try:
            other.do("start", devices={"STS06": [metric("Hoist/Position", "INT32", 0, T0 + 9000, alias=1)]})
            await until(lambda: opened.count() == 6, "the device is back")
        finally:
            other.end()
        status = [event for event in await opened.kept() if event["type"].endswith("crane.status.v1")]
        assert [(event["subject"][-5:], *event["data"].values()) for event in status] == [
            ("STS07", "off", "sparkplug DDEATH"),
            ("STS06", "off", "sparkplug NDEATH"),
            ("STS06", "on", "sparkplug DBIRTH"),
        ]
        assert passed_by(opened, "old_death") == 0


async def test_what_is_no_sparkplug_payload_is_one_refusal(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with listening(tmp_path, settings_of(mosquitto, tmp_path, "bad")) as opened:
        mosquitto.publish("spBv1.0/tanvu/DDATA/edge09/STS09", ["no protobuf", "nor this"])
        await until(lambda: opened.errors("undecodable") == 2, "both are counted")
        assert opened.count() == 0
