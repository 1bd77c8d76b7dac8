"""OPC UA PubSub JSON: the layouts of OPC 10000-14, key and delta frames, what is missing, what is bad."""

from pathlib import Path
from typing import Any

import pytest

from connectors.opcua.settings import OpcUaSettings
from connectors.opcua.source import OpcUaReader
from schemas.metrics import CONNECTOR_MISSING
from tests.support.doors import a_door
from tests.support.listening import counted, passed_by
from tests.support.published import hear, published

MAPPING = """
type: io.quaystream.crane.sample.v1
time: {column: opcua.time, unit: iso}
subject: {column: opcua.writer, site: VNHPH-TANVU}
fields:
  hoist_position_m: {column: HoistPosition, type: number}
  wind_mps: {column: WindSpeed, type: number}
  load_t: {column: Load, type: number, scale: 0.001}
"""
TOPIC = "opcua/json/data/plc/sts03"
VERSION = {"MajorVersion": 672338910, "MinorVersion": 672341762}


def reader(folder: Path, **words: Any) -> OpcUaReader:
    (folder / "crane.yaml").write_text(MAPPING)
    topics = [{"topic": "opcua/json/data/{publisher}/#", "mappings": [str(folder / "crane.yaml")]}]
    own = {"kind": "opcua", "name": "test", "host": "localhost", "port": 1883, "client_id": "gw", "topics": topics}
    return OpcUaSettings.model_validate({**own, **words})._reader()


def data_set(number: int, kind: str, fields: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """A DataSetMessage with all of its header."""
    own = {"DataSetWriterId": 62541, "DataSetWriterName": "STS03", "SequenceNumber": number, "MetaDataVersion": VERSION}
    own |= {"Timestamp": f"2026-01-01T00:00:{number % 60:02d}Z", "MessageType": kind}
    return {**own, **({} if fields is None else {"Payload": fields}), **more}


def network(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"MessageId": "32235546", "MessageType": "ua-data", "PublisherId": "plc-7", "Messages": list(messages)}


KEY = {"HoistPosition": 12.5, "WindSpeed": 6.25, "Load": 20500}


async def test_a_delta_frame_is_completed_from_the_key_frame_before_it(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        key, delta = data_set(1, "ua-keyframe", KEY), data_set(2, "ua-deltaframe", {"WindSpeed": 7.0})
        events = await hear(reader(tmp_path), opened, published(TOPIC, network(key, delta)))
        assert [event["data"] for event in events] == [
            {"hoist_position_m": 12.5, "wind_mps": 6.25, "load_t": 20.5},
            {"hoist_position_m": 12.5, "wind_mps": 7.0, "load_t": 20.5},
        ]
        assert {event["subject"] for event in events} == {"VNHPH-TANVU-STS03"}
        assert events[1]["time"] == "2026-01-01T00:00:02.000Z"


async def test_a_restart_knows_the_key_frame(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        await hear(reader(tmp_path), opened, published(TOPIC, network(data_set(1, "ua-keyframe", KEY))))
        delta = data_set(2, "ua-deltaframe", {"Load": 0})
        events = await hear(reader(tmp_path), opened, published(TOPIC, network(delta)))
        assert [event["data"]["load_t"] for event in events] == [0.0]
        assert events[0]["data"]["hoist_position_m"] == 12.5


@pytest.mark.parametrize(
    ("before", "delta"),
    [
        ([], data_set(2, "ua-deltaframe", {"Load": 0})),
        ([data_set(1, "ua-keyframe", KEY)], data_set(3, "ua-deltaframe", {"Load": 0})),
        (
            [data_set(1, "ua-keyframe", KEY)],
            data_set(2, "ua-deltaframe", {"Load": 0}, MetaDataVersion={"MajorVersion": 1}),
        ),
    ],
    ids=["no key frame", "a message between is missing", "another version"],
)
async def test_a_delta_frame_that_does_not_follow_its_key_frame_is_refused_or_says_only_what_it_says(
    tmp_path: Path, before: list[dict[str, Any]], delta: dict[str, Any]
) -> None:
    async with a_door(tmp_path) as opened:
        events = await hear(reader(tmp_path), opened, published(TOPIC, network(*before, delta)))
        assert len(events) == len(before)
        assert opened.errors("no_key_frame") == 1
        events = await hear(reader(tmp_path, delta="changes"), opened, published(TOPIC, network(delta)))
        assert [event["data"] for event in events] == [{"load_t": 0.0}]


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ((1, 2, 3), 0),
        ((1, 4), 2),
        ((5, 1, 2), 0),
        ((65_535, 0, 1), 0),
        ((2**32 - 1, 0), 0),
        ((2**32 - 2, 2**32 - 1), 0),
    ],
)
async def test_what_is_missing_is_counted_by_sequence_number(
    tmp_path: Path, numbers: tuple[int, ...], missing: int
) -> None:
    async with a_door(tmp_path) as opened:
        frames = [data_set(number, "ua-keyframe", KEY) for number in numbers]
        assert len(await hear(reader(tmp_path), opened, published(TOPIC, network(*frames)))) == len(numbers)
        assert counted(opened, CONNECTOR_MISSING) == missing


async def test_a_keep_alive_tells_the_number_that_comes_next(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        heard = reader(tmp_path)
        await hear(heard, opened, published(TOPIC, network(data_set(1, "ua-keyframe", KEY))))
        await hear(heard, opened, published(TOPIC, network(data_set(2, "ua-keepalive", None))))
        await hear(heard, opened, published(TOPIC, network(data_set(2, "ua-deltaframe", {"Load": 0}))))
        assert (counted(opened, CONNECTOR_MISSING), passed_by(opened, "keep_alive")) == (0, 1)
        await hear(heard, opened, published(TOPIC, network(data_set(5, "ua-keepalive", None))))
        assert counted(opened, CONNECTOR_MISSING) == 2


VARIANT = {"HoistPosition": {"Type": 11, "Body": 12.5}, "Load": {"Type": 8, "Body": "20500"}}
VALUES = {
    "HoistPosition": {"Value": {"Type": 11, "Body": 12.5}, "SourceTimestamp": "2026-01-01T00:00:00.1234567Z"},
    "Load": {"UaType": 8, "Value": "20500", "SourceTimestamp": "2026-01-01T00:00:00Z"},
    "WindSpeed": {"Value": None},
}


@pytest.mark.parametrize(
    "payload",
    [
        network(data_set(1, "ua-keyframe", VARIANT)),
        network(data_set(1, "ua-keyframe", VALUES)),
        {**network(), "Messages": data_set(1, "ua-keyframe", VARIANT)},
        [data_set(1, "ua-keyframe", VARIANT)],
        data_set(1, "ua-keyframe", VARIANT),
        {"DataSetWriterName": "STS03", "Timestamp": "2026-01-01T00:00:01.0000000Z", "Payload": VARIANT},
    ],
    ids=["variants", "data values", "one message", "no header", "one without header", "the least"],
)
async def test_every_layout_and_encoding_says_the_same(tmp_path: Path, payload: Any) -> None:
    async with a_door(tmp_path) as opened:
        events = await hear(reader(tmp_path), opened, published(TOPIC, payload))
        assert [event["data"] for event in events] == [{"hoist_position_m": 12.5, "load_t": 20.5}]
        assert events[0]["subject"] == "VNHPH-TANVU-STS03"


@pytest.mark.parametrize(
    ("fields", "data"),
    [
        ({**KEY, "WindSpeed": {"Value": 99.0, "StatusCode": 0x80310000}}, {"hoist_position_m": 12.5, "load_t": 20.5}),
        (
            {**KEY, "WindSpeed": {"Value": 9.0, "Status": {"Code": 0x40920000}}},
            {"hoist_position_m": 12.5, "wind_mps": 9.0, "load_t": 20.5},
        ),
    ],
    ids=["bad", "uncertain"],
)
async def test_a_value_that_the_server_disowns_is_refused_alone(
    tmp_path: Path, fields: dict[str, Any], data: dict[str, Any]
) -> None:
    async with a_door(tmp_path) as opened:
        events = await hear(reader(tmp_path), opened, published(TOPIC, network(data_set(1, "ua-keyframe", fields))))
        assert [event["data"] for event in events] == [data]
        assert opened.errors("bad_status") == (0 if "wind_mps" in data else 1)


async def test_a_bad_status_takes_an_older_value_away(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        bad = {"WindSpeed": {"StatusCode": 0x80310000}, "Load": 0}
        frames = [data_set(1, "ua-keyframe", KEY), data_set(2, "ua-deltaframe", bad)]
        events = await hear(reader(tmp_path), opened, published(TOPIC, network(*frames)))
        assert events[1]["data"] == {"hoist_position_m": 12.5, "load_t": 0.0}


async def test_one_bad_message_is_one_refusal_and_its_neighbours_are_taken(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        bad = data_set(2, "ua-keyframe", {"HoistPosition": "high"})
        frames = [data_set(1, "ua-keyframe", KEY), bad, data_set(3, "ua-keyframe", KEY)]
        assert len(await hear(reader(tmp_path), opened, published(TOPIC, network(*frames)))) == 2
        assert opened.errors("invalid") == 1


@pytest.mark.parametrize(
    "payload", [b"{", b"7", b"[]", {"Messages": [1]}, {"MessageType": "ua-new"}, data_set(1, "ua-keyframe", None)]
)
async def test_what_is_no_network_message_is_refused(tmp_path: Path, payload: Any) -> None:
    async with a_door(tmp_path) as opened:
        assert await hear(reader(tmp_path), opened, published(TOPIC, payload)) == []
        assert opened.errors("undecodable") + passed_by(opened, "not_data") == 1


async def test_the_same_message_once_more_is_no_second_event(tmp_path: Path) -> None:
    async with a_door(tmp_path) as opened:
        message = published(TOPIC, network(data_set(1, "ua-keyframe", KEY)))
        assert len(await hear(reader(tmp_path), opened, message, message)) == 1
        assert passed_by(opened, "repeat") == 1
