"""The source of kind `mqtt` on a real Mosquitto: what is acknowledged is in the spool, and what is in doubt comes again."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.edge import DiskFullError
from connectors.opcua.settings import OpcUaSettings
from tests.support.doors import Opened
from tests.support.edge import words
from tests.support.listening import is_connected, listening, passed_by, settings_of, troubles, until
from tests.support.mosquitto import PASSWORD, USER, Mosquitto

MAPPING = """
type: io.quaystream.crane.sample.v1
time: {column: ts, unit: ms}
subject: {column: topic.crane, site: VNHPH-TANVU}
fields:
  hoist_position_m: {column: hoist.mm, type: number, scale: 0.001}
  spreader_locked: {column: locked, type: boolean}
"""

OPC_UA = """
type: io.quaystream.crane.sample.v1
time: {column: opcua.time, unit: iso}
subject: {column: opcua.writer, site: VNHPH-TANVU}
fields:
  hoist_position_m: {column: HoistPosition, type: number}
  load_t: {column: Load, type: number, scale: 0.001}
"""


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    mosquitto = Mosquitto(tmp_path_factory.mktemp("mosquitto")).start()
    yield mosquitto
    mosquitto.stop()


def readings(first: int, last: int) -> list[str]:
    """CloudEvents without an identity, told apart by their load."""
    return [json.dumps(words(data={"load_t": float(n)})) for n in range(first, last + 1)]


async def loads(opened: Opened) -> list[float]:
    return [event["data"]["load_t"] for event in await opened.kept()]


async def publish(mosquitto: Mosquitto, topic: str, payloads: list[str], *options: str) -> None:
    await asyncio.to_thread(mosquitto.publish, topic, payloads, *options)


async def test_messages_are_kept_in_order_over_tls_and_a_bad_one_is_one_refusal(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    access = {"tls": True, "ca_file": mosquitto.ca, "username": USER, "password_file": tmp_path / "password"}
    settings = settings_of(mosquitto, host="localhost", port=mosquitto.tls, client_id="tls", **access)
    async with listening(tmp_path, settings) as opened:
        await publish(mosquitto, "cranes/a", [*readings(1, 300), "no event", *readings(301, 600)])
        await until(lambda: opened.count() == 600, "all are kept")
        assert await loads(opened) == [float(n) for n in range(1, 601)]
        assert [event["sequence"] for event in await opened.kept()] == [str(n) for n in range(1, 601)]
        assert opened.errors("invalid") == 1
        assert [letter[:3] for letter in await opened.refused()] == [("crane-events", "cranes/a", b"no event")]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_what_is_published_while_we_or_the_broker_are_away_is_not_lost(
    mosquitto: Mosquitto, tmp_path: Path, version: str
) -> None:
    settings = settings_of(mosquitto, client_id=f"away-{version}".replace(".", "_"), version=version)
    async with listening(tmp_path, settings) as opened:
        await publish(mosquitto, "cranes/a", readings(1, 10))
        await until(lambda: opened.count() == 10, "the first are kept")
    await publish(mosquitto, "cranes/a", readings(11, 40))
    await asyncio.to_thread(mosquitto.stop)
    await asyncio.to_thread(mosquitto.start)
    async with listening(tmp_path, settings) as opened:
        await until(lambda: opened.count() == 30, "what came meanwhile is kept")
        await asyncio.to_thread(mosquitto.stop)
        await until(lambda: not is_connected(opened), "the source notices")
        await asyncio.to_thread(mosquitto.start)
        await until(lambda: is_connected(opened), "the source is back")
        await publish(mosquitto, "cranes/a", readings(41, 50))
        await until(lambda: opened.count() == 40, "the last are kept")
        assert await loads(opened) == [float(n) for n in range(1, 51)]
        assert troubles(opened, "session_lost") == 0


async def test_what_the_spool_did_not_take_comes_again_and_what_it_took_is_not_taken_twice(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """The source is cut off between the commit and the acknowledgement, as a kill would do it."""
    settings = settings_of(mosquitto, client_id="doubt")
    async with listening(tmp_path, settings) as opened:
        ended = cut_after_commit(opened)
        await publish(mosquitto, "cranes/a", readings(1, 50))
        await ended.wait()
        kept = len(await opened.kept())
    assert 0 < kept <= 50
    async with listening(tmp_path, settings) as opened:
        await until(lambda: opened.count() == 50 - kept and passed_by(opened, "repeat") == kept, "the rest is kept")
        assert await loads(opened) == [float(n) for n in range(1, 51)]


def cut_after_commit(opened: Opened) -> asyncio.Event:
    """The next `take` keeps its events and then never returns."""
    take, ended = opened.door.take, asyncio.Event()

    async def cut(*arguments: Any) -> None:
        await take(*arguments)
        if arguments[0]:
            ended.set()
            await asyncio.Event().wait()

    opened.door.take = cut  # type: ignore[method-assign]
    return ended


async def test_a_full_spool_leaves_messages_with_the_broker(mosquitto: Mosquitto, tmp_path: Path) -> None:
    settings = settings_of(mosquitto, client_id="full", in_flight=10)
    async with listening(tmp_path, settings) as opened:
        take, refused = opened.door.take, asyncio.Event()

        async def full(*_: Any) -> None:
            refused.set()
            raise DiskFullError("no room")

        opened.door.take = full  # type: ignore[method-assign]
        await publish(mosquitto, "cranes/a", readings(1, 100))
        await refused.wait()
        opened.door.take = take  # type: ignore[method-assign]
        await until(lambda: opened.count() == 100, "all are kept once there is room")
        assert await loads(opened) == [float(n) for n in range(1, 101)]


async def test_json_becomes_events_by_a_mapping_and_the_words_of_its_topic(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    (tmp_path / "crane.yaml").write_text(MAPPING)
    topic = {"topic": "tanvu/{crane}/plc", "mapping": str(tmp_path / "crane.yaml"), "identity": "content"}
    said = [
        '{"ts": 1767225600000, "hoist": {"mm": 12500}, "locked": true}',
        '{"ts": 1767225600000, "hoist": {"mm": "high"}}',
        '[{"ts": 1767225601000, "locked": false}, {"ts": 1767225602000, "hoist": {"mm": 13000.5}}]',
    ]
    async with listening(tmp_path, settings_of(mosquitto, client_id="mapped", topics=[topic])) as opened:
        await publish(mosquitto, "tanvu/sts03/plc", [*said, said[0]])
        await until(lambda: opened.count() == 4, "the events are kept")
        events = await opened.kept()
        assert [event["data"] for event in events] == [
            {"hoist_position_m": 12.5, "spreader_locked": True},
            {"spreader_locked": False},
            {"hoist_position_m": pytest.approx(13.0005)},
            {"hoist_position_m": 12.5, "spreader_locked": True},
        ]
        assert {event["subject"] for event in events} == {"VNHPH-TANVU-STS03"}
        assert events[1]["time"] == "2026-01-01T00:00:01.000Z"
        assert events[0]["id"] == events[3]["id"] != events[1]["id"]
        assert opened.errors("invalid") == 1


@pytest.mark.parametrize(("retained", "kept", "passed"), [("ignore", 0, 1), ("take", 1, 0)])
async def test_retained_messages_are_no_events_unless_they_are_asked_for(
    mosquitto: Mosquitto, tmp_path: Path, retained: str, kept: int, passed: int
) -> None:
    topic = f"retained/{retained}"
    await publish(mosquitto, topic, readings(1, 1), "-r")
    settings = settings_of(mosquitto, client_id=f"r-{retained}", topics=[{"topic": topic}], retained=retained)
    async with listening(tmp_path, settings) as opened:
        await until(lambda: passed_by(opened, "retained") == passed, "the retained one has come")
        await publish(mosquitto, topic, readings(2, 2), "-r")
        await until(lambda: opened.count() == kept + 1, "one published while we are there is an event")
    async with listening(tmp_path, settings) as opened:
        await publish(mosquitto, topic, readings(3, 3))
        await until(lambda: opened.count() == 1, "the old one does not come with a second connection")
        assert (await loads(opened))[-1] == 3.0
        assert passed_by(opened, "retained") == 0


async def test_each_trouble_is_one_line_and_a_metric(mosquitto: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("guess")
    tls = {"host": "localhost", "port": mosquitto.tls, "tls": True}
    right = {"ca_file": mosquitto.ca, "username": USER, "password_file": tmp_path / "wrong"}
    mutual = {**tls, "port": mosquitto.mutual, "ca_file": mosquitto.ca}
    for trouble, words_ in (
        ("certificate", {**tls, "ca_file": mosquitto.other_ca}),
        ("certificate", {**tls, **right, "host": "127.0.0.1"}),
        ("certificate", {**mutual, **shown(mosquitto.other_client)}),
        ("certificate", mutual),
        ("credentials", {**tls, **right}),
        ("away", {"port": 1}),
    ):
        with capture_logs() as logs:
            settings = settings_of(mosquitto, client_id="troubled", **words_)
            async with listening(tmp_path, settings, wait=False) as opened:
                await until(lambda: troubles(opened, trouble) >= 2, f"{trouble} is counted")  # noqa: B023
                assert not is_connected(opened)
        lines = [line for line in logs if line["event"] == "mqtt_trouble"]
        assert [line["trouble"] for line in lines] == [trouble]


def shown(certificate: tuple[Path, Path]) -> dict[str, Path]:
    return dict(zip(("cert_file", "key_file"), certificate, strict=True))


async def test_a_broker_that_wants_a_certificate_takes_ours(mosquitto: Mosquitto, tmp_path: Path) -> None:
    access = {"host": "localhost", "port": mosquitto.mutual, "tls": True, "ca_file": mosquitto.ca}
    settings = settings_of(mosquitto, client_id="mutual", **access, **shown(mosquitto.client))
    async with listening(tmp_path, settings) as opened:
        await publish(mosquitto, "cranes/a", readings(1, 3))
        await until(lambda: opened.count() == 3, "the messages are kept")
    assert "gw-07" in mosquitto.log()


async def test_a_new_password_is_read_without_a_restart(mosquitto: Mosquitto, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("expired")
    access = {"tls": True, "ca_file": mosquitto.ca, "username": USER, "password_file": password}
    settings = settings_of(mosquitto, host="localhost", port=mosquitto.tls, client_id="renewed", **access)
    async with listening(tmp_path, settings, wait=False) as opened:
        await until(lambda: troubles(opened, "credentials"), "the old one is not accepted")
        password.write_text(PASSWORD)
        await until(lambda: is_connected(opened), "the new one is")


async def test_a_session_that_the_broker_forgot_is_said(mosquitto: Mosquitto, tmp_path: Path) -> None:
    settings = settings_of(mosquitto, client_id="forgotten", session_s=1)
    async with listening(tmp_path, settings):
        pass
    await asyncio.to_thread(mosquitto.stop)
    (mosquitto.folder / "mosquitto.db").unlink()
    await asyncio.to_thread(mosquitto.start)
    async with listening(tmp_path, settings) as opened:
        assert troubles(opened, "session_lost") == 1


async def test_opc_ua_data_sets_are_completed_across_a_restart_of_ours(mosquitto: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "opcua.yaml").write_text(OPC_UA)
    topics = [{"topic": "opcua/json/data/{publisher}/#", "mappings": [str(tmp_path / "opcua.yaml")]}]
    own = {"kind": "opcua", "name": "test", "host": "127.0.0.1", "port": mosquitto.plain, "client_id": "opcua"}
    settings = OpcUaSettings.model_validate({**own, "topics": topics})
    async with listening(tmp_path, settings) as opened:
        key = data_set(1, "ua-keyframe", {"HoistPosition": 12.5, "Load": {"Value": 20500}})
        await publish(mosquitto, "opcua/json/data/plc/sts03", [key])
        await until(lambda: opened.count() == 1, "the key frame is kept")
    await publish(mosquitto, "opcua/json/data/plc/sts03", [data_set(2, "ua-deltaframe", {"HoistPosition": 13.5})])
    async with listening(tmp_path, settings) as opened:
        await publish(mosquitto, "opcua/json/data/plc/sts03", [data_set(4, "ua-deltaframe", {"HoistPosition": 14.5})])
        await until(lambda: opened.errors("no_key_frame") == 1, "what does not follow is refused")
        assert [event["data"] for event in await opened.kept()] == [
            {"hoist_position_m": 12.5, "load_t": 20.5},
            {"hoist_position_m": 13.5, "load_t": 20.5},
        ]


def data_set(number: int, kind: str, fields: dict[str, Any]) -> str:
    message = {"DataSetWriterName": "STS03", "SequenceNumber": number, "MessageType": kind, "Payload": fields}
    message["Timestamp"] = f"2026-01-01T00:00:0{number}Z"
    return json.dumps({"MessageId": "m", "MessageType": "ua-data", "PublisherId": "plc", "Messages": [message]})
