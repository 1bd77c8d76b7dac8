"""What a node says, message by message: aliases, gaps, deaths, and what is kept across a restart."""

from pathlib import Path
from typing import Any

import pytest

from connectors.sparkplug.node import Node, Table
from connectors.sparkplug.settings import SparkplugSettings
from connectors.sparkplug.source import SparkplugReader
from connectors.sparkplug.topic import command
from connectors.sparkplug.wire import payload_of
from schemas.metrics import CONNECTOR_MISSING
from tests.support.doors import a_door
from tests.support.listening import counted, passed_by
from tests.support.protobuf import message, payload
from tests.support.published import hear, published

MAPPING = """
type: io.quaystream.crane.sample.v1
time: {column: sparkplug.time_ms, unit: ms}
subject: {column: sparkplug.asset, site: VNHPH-TANVU}
fields:
  load_t: {column: Load, type: number}
"""
STATUS = """
type: io.quaystream.crane.status.v1
time: {column: sparkplug.time_ms, unit: ms}
subject: {column: sparkplug.asset, site: VNHPH-TANVU}
fields:
  status: {column: State, type: text}
"""
INT64, DOUBLE, STRING = 4, 10, 12


def reader(folder: Path, mapping: str = MAPPING, **words: Any) -> SparkplugReader:
    (folder / "crane.yaml").write_text(mapping)
    own = {"kind": "sparkplug", "name": "test", "host": "localhost", "port": 1883, "client_id": "gw"}
    return SparkplugSettings.model_validate({**own, "mappings": [str(folder / "crane.yaml")], **words})._reader()


def said(kind: str, seq: int | None, *metrics: bytes, device: str = "", **more: Any) -> Any:
    topic = f"spBv1.0/tanvu/{kind}/edge01" + (f"/{device}" if device else "")
    return published(topic, payload(seq, *metrics), **more)


def load(value: float, alias: int | None = 7, **more: Any) -> bytes:
    return message(alias=alias, time_ms=1_767_225_601_000, double=value, **more)


NBIRTH = said("NBIRTH", 0, message(name="bdSeq", datatype=INT64, long=5))
DBIRTH = said("DBIRTH", 1, load(1.0, name="Load", datatype=DOUBLE), device="STS03")


@pytest.mark.parametrize(
    ("seqs", "missing"),
    [
        ((253, 254, 255, 0, 1), 0),
        ((254, 255, 1), 1),
        ((10, 11, 15), 3),
        ((10, 12, 11, 13), 0),
        ((0, 2, 1, 3, 5, 6), 1),
    ],
)
def test_gaps_of_seq_are_counted_after_a_while(seqs: tuple[int, ...], missing: int) -> None:
    node = Node(Table(), None)
    node.restart((seqs[0] - 1) % 256)
    found = sum(node.advance(seq, 0) for seq in seqs)
    assert found == 0
    assert node.advance((seqs[-1] + 1) % 256, 2_001) == missing


def test_a_birth_may_have_any_number_and_what_is_overdue_before_it_is_lost() -> None:
    node = Node(Table(), None)
    node.restart(200)
    assert node.advance(203, 0) == 0
    assert node.restart(17) == 2
    assert node.advance(18, 10) == 0


async def test_aliases_hold_for_the_device_that_gave_them(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        heard = reader(tmp_path)
        await hear(heard, opened, NBIRTH, DBIRTH)
        assert await hear(heard, opened, said("DDATA", 2, load(2.0), device="RTG09")) == []
        assert opened.errors("no_birth") == 1
        (asked,) = heard.requests()
        assert asked[0] == command("tanvu", "edge01")
        assert [(m.name, m.value) for m in payload_of(asked[1]).metrics] == [("Node Control/Rebirth", True)]


async def test_a_node_is_not_asked_again_at_once_and_not_at_all_where_we_only_listen(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        heard, quiet = reader(tmp_path), reader(tmp_path, rebirth=False)
        unknown = [said("DDATA", seq, load(2.0), device="STS03") for seq in range(5)]
        await hear(heard, opened, *unknown)
        assert len(heard.requests()) == 1
        later = said("DDATA", 5, load(2.0), device="STS03", received_ms=1_767_225_600_000 + 10_000)
        await hear(heard, opened, later)
        assert len(heard.requests()) == 1
        await hear(quiet, opened, *unknown)
        assert quiet.requests() == []


async def test_an_alias_for_two_metrics_is_known_for_neither(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        twice = [load(1.0, name=name, datatype=DOUBLE) for name in ("Load", "Wind")]
        heard = reader(tmp_path)
        events = await hear(heard, opened, said("DBIRTH", 1, *twice, device="STS03"))
        assert [event["data"] for event in events] == [{"load_t": 1.0}]
        assert opened.errors("bad_birth") == 1
        assert await hear(heard, opened, said("DDATA", 2, load(2.0), device="STS03")) == []
        assert opened.errors("no_birth") == 1


async def test_a_death_of_another_birth_is_passed_by(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        heard = reader(tmp_path)
        await hear(heard, opened, NBIRTH, DBIRTH)
        old = said("NDEATH", None, message(name="bdSeq", datatype=INT64, long=4))
        assert await hear(heard, opened, old) == []
        assert passed_by(opened, "old_death") == 1
        death = said("NDEATH", None, message(name="bdSeq", datatype=INT64, long=5))
        (event,) = await hear(heard, opened, death)
        assert (event["subject"], event["data"]["status"]) == ("VNHPH-TANVU-STS03", "off")
        assert event["time"] == "2026-01-01T00:00:00.000Z"


async def test_a_death_can_be_counted_only(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        heard = reader(tmp_path, on_death="count")
        await hear(heard, opened, NBIRTH, DBIRTH)
        assert await hear(heard, opened, said("DDEATH", 2, device="STS03")) == []


async def test_a_birth_that_says_its_status_is_not_contradicted(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        heard = reader(tmp_path, STATUS)
        state = message(name="State", datatype=STRING, time_ms=1_767_225_601_000, string="idle")
        await hear(heard, opened, NBIRTH, said("DBIRTH", 1, state, device="STS03"), said("DDEATH", 2, device="STS03"))
        later = message(name="State", datatype=STRING, time_ms=1_767_225_602_000, string="working")
        events = await hear(heard, opened, said("DBIRTH", 3, later, device="STS03"))
        assert [event["data"] for event in events] == [{"status": "working"}]


async def test_the_death_of_a_device_outlives_a_restart(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        await hear(reader(tmp_path), opened, NBIRTH, DBIRTH, said("DDEATH", 2, device="STS03"))
        again = said("DBIRTH", 3, load(2.0, name="Load", datatype=DOUBLE), device="STS03")
        events = await hear(reader(tmp_path), opened, again)
        assert [event["data"].get("status") for event in events] == ["on", None]
        assert counted(opened, CONNECTOR_MISSING) == 0


async def test_a_message_once_more_is_no_second_event(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        heard, data = reader(tmp_path), said("DDATA", 2, load(2.0), device="STS03")
        assert len(await hear(heard, opened, NBIRTH, DBIRTH, data, data)) == 2
        assert passed_by(opened, "repeat") == 1
        assert counted(opened, CONNECTOR_MISSING) == 0


@pytest.mark.parametrize("topic", ["spBv1.0/tanvu/NCMD/edge01", "spBv1.0/tanvu/DDATA/edge01", "spAv1.0/g/NDATA/n", "x"])
async def test_other_topics_are_refused(tmp_path: Path, topic: str) -> None:
    async with a_door(tmp_path) as opened:
        assert await hear(reader(tmp_path), opened, published(topic, payload(0))) == []
        assert opened.errors("invalid") == 1
