"""The VES event listener, by clients that are not ours: each answer of the standard, and what is in the spool after it."""

import asyncio
import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.edge import Bounds
from connectors.ves_http.settings import VesSettings
from deploy.local.certificates import Authority
from deploy.local.packages import need
from deploy.local.part import quiet
from schemas.errors import ConfigurationError
from tests.support.network import VES, alarms_and_measurements, golden_of
from tests.support.served import send, served

ONE = "/eventListener/v7"
MANY = "/eventListener/v7/eventBatch"
JSON = {"Content-Type": "application/json"}
HEADER: dict[str, Any] = {
    "domain": "fault",
    "eventId": "fault-000245",
    "eventName": "Fault_Gnb-Acme_LinkDown",
    "priority": "High",
    "reportingEntityName": "ems-01",
    "sequence": 1,
    "sourceName": "gnb-tanvu-01",
    "startEpochMicrosec": 1795485540000000,
    "lastEpochMicrosec": 1795485600000000,
    "version": "4.1",
    "vesEventListenerVersion": "7.2.1",
}
FAULT: dict[str, Any] = {
    "faultFieldsVersion": "4.0",
    "alarmCondition": "linkDown",
    "eventSeverity": "MAJOR",
    "eventSourceType": "port",
    "specificProblem": "NRCellDU=3",
    "vfStatus": "Active",
}


def fault(header: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A fault as the standard words it; None takes a member away."""
    told = {**HEADER, **(header or {})}
    return {
        "commonEventHeader": {name: value for name, value in told.items() if value is not None},
        "faultFields": {name: value for name, value in {**FAULT, **fields}.items() if value is not None},
    }


async def post(url: str, content: Any, **headers: str) -> tuple[int, Any, dict[str, str]]:
    return await send(url, json.dumps(content).encode(), {**JSON, **headers})


def message_of(sample: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sample.read_bytes())
    return found


async def curl(*words: str) -> str:
    """The status that curl sees; 000 when it gets none."""
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20", *words]
    done = await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True, text=True, timeout=30)
    return done.stdout


@pytest.mark.parametrize("sample", VES, ids=lambda path: path.stem)
async def test_a_sample_becomes_its_golden_rows_or_is_refused_with_a_request_error(
    tmp_path: Path, sample: Path
) -> None:
    content = message_of(sample)
    path = MANY if "eventList" in content else ONE
    async with served(VesSettings, tmp_path) as (opened, url):
        status, said, headers = await post(url + path, content)
        kept = await opened.kept()
    assert headers["X-LatestVersion"] == "7.2.1"
    if "invalid" in sample.stem:
        assert status == 400
        assert said["requestError"]["serviceException"]["messageId"] == "SVC2004"
        assert kept == []
        return
    assert (status, said) == (202, "")
    assert alarms_and_measurements(kept) == golden_of(sample)


async def test_sent_again_alone_or_in_a_batch_an_event_keeps_its_id(tmp_path: Path) -> None:
    first, second = fault(), fault({"eventId": "fault-000246"})
    async with served(VesSettings, tmp_path) as (opened, url):
        assert (await post(url + ONE, {"event": first}))[0] == 202
        assert (await post(url + MANY, {"eventList": [second, first]}))[0] == 202
        kept = await opened.kept()
    ids = [event["id"] for event in kept]
    assert ids[0] == ids[2] != ids[1]
    assert all("sequence" not in event for event in kept)


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (fault({"domain": None}), ("SVC2006", "event.commonEventHeader.domain")),
        (fault({"lastEpochMicrosec": None}), ("SVC2006", "event.commonEventHeader.lastEpochMicrosec")),
        (fault(alarmCondition=None), ("SVC2006", "event.faultFields.alarmCondition")),
        ({"commonEventHeader": HEADER}, ("SVC2006", "event.faultFields")),
        ({}, ("SVC2006", "event.commonEventHeader")),
        (fault({"domain": "weather"}), ("SVC2004", "event.commonEventHeader.domain")),
        (fault({"priority": "Urgent"}), ("SVC2004", "event.commonEventHeader.priority")),
        (fault({"sequence": "1"}), ("SVC2004", "event.commonEventHeader.sequence")),
        (fault(eventSeverity="BAD"), ("SVC2004", "event.faultFields.eventSeverity")),
        (fault(alarmAdditionalInformation={"a": 1}), ("SVC2004", "event.faultFields.alarmAdditionalInformation.a")),
        ([], ("SVC2004", "event")),
    ],
)
async def test_what_the_format_does_not_allow_is_400_and_named(
    tmp_path: Path, event: Any, says: tuple[str, str]
) -> None:
    async with served(VesSettings, tmp_path) as (opened, url):
        status, said, _ = await post(url + ONE, {"event": event})
        kept = await opened.kept()
        assert opened.errors("invalid") == 1
        (letter,) = await opened.refused()
    assert (json.loads(letter[2]), letter[0]) == ({"event": event}, "cell-events")
    assert says[1] in letter[3]["qs-undecoded"]
    told = said["requestError"]["serviceException"]
    assert (status, told["messageId"], told["variables"][1]) == (400, *says)
    assert kept == []


@pytest.mark.parametrize("name", ["eventId", "priority", "sequence", "version", "startEpochMicrosec", "eventName"])
async def test_what_the_standard_requires_and_nobody_needs_is_asked_for_by_the_standard_alone(
    tmp_path: Path, name: str
) -> None:
    event = {"event": fault({name: None})}
    async with served(VesSettings, tmp_path, check_by="standard") as (opened, url):
        status, said, _ = await post(url + ONE, event)
        assert (await post(url + ONE, {"event": fault()}))[0] == 202
        assert len(await opened.kept()) == 1
    assert status == 400
    assert said["requestError"]["serviceException"]["variables"] == ["attribute", f"event.commonEventHeader.{name}"]
    (tmp_path / "needed").mkdir()
    async with served(VesSettings, tmp_path / "needed") as (_, url):
        assert (await post(url + ONE, event))[0] == 202


async def test_a_batch_with_one_bad_event_is_refused_whole_and_says_which(tmp_path: Path) -> None:
    async with served(VesSettings, tmp_path) as (opened, url):
        status, said, _ = await post(url + MANY, {"eventList": [fault(), fault(eventSeverity="BAD")]})
        assert await opened.kept() == []
    assert status == 400
    assert said["requestError"]["serviceException"]["variables"][1] == "eventList[1].faultFields.eventSeverity"


async def test_a_result_that_breaks_the_standard_is_sent_on_beside_its_neighbours(tmp_path: Path) -> None:
    values = {"measObjInstId": "NRCellDU=3", "measResults": [{"p": 1, "iValue": 63}, {"p": 9, "iValue": 1}]}
    info = {"measTypes": {"sMeasTypesList": ["RRU.PrbTotUl"]}, "measValuesList": [values]}
    report = {"granularityPeriod": 60, "measuredEntityDn": "ManagedElement=gnb-tanvu-01", "measInfoList": [info]}
    event = {
        "commonEventHeader": {**HEADER, "domain": "perf3gpp"},
        "perf3gppFields": {"perf3gppFieldsVersion": "1.0.1", "measDataCollection": report},
    }
    async with served(VesSettings, tmp_path) as (opened, url):
        assert (await post(url + ONE, {"event": event}))[0] == 202
        good, bad = await opened.kept()
        assert opened.errors("invalid") == 1
    assert good["data"]["measurements"] == [{"name": "RRU.PrbTotUl", "value": 63.0}]
    assert "p 9 is not from 1 to 1" in bad["undecoded"]


@pytest.mark.parametrize(
    ("request_", "status", "message_id"),
    [
        (("POST", ONE, b"{", JSON), 400, "SVC0002"),
        (("POST", ONE, b'{"eventList": []}', JSON), 400, "SVC2006"),
        (("POST", MANY, b'{"event": {}}', JSON), 400, "SVC2006"),
        (("POST", ONE, b"{}", {"Content-Type": "text/plain"}), 415, "SVC0002"),
        (("POST", ONE, b"{}", {}), 415, "SVC0002"),
        (("POST", ONE, b"{}", {**JSON, "X-MinorVersion": "9"}), 400, "SVC0002"),
        (("PUT", ONE, b"{}", JSON), 405, "SVC2000"),
        (("GET", MANY, b"", JSON), 405, "SVC2000"),
        (("POST", "/eventListener/v5", b"{}", JSON), 404, "SVC2000"),
        (("POST", ONE, b'{"event": "' + b"x" * 5_000 + b'"}', JSON), 413, "POL9003"),
    ],
)
async def test_each_error_has_the_status_and_the_message_id_of_the_standard(
    tmp_path: Path, request_: tuple[str, str, bytes, dict[str, str]], status: int, message_id: str
) -> None:
    method, path, body, headers = request_
    async with served(VesSettings, tmp_path, max_body_bytes=4096) as (opened, url):
        found, said, answered = await send(url + path, body, headers, method)
        assert opened.answers(status) == 1
        assert await opened.kept() == []
    (kind,) = said["requestError"]
    assert (found, said["requestError"][kind]["messageId"]) == (status, message_id)
    assert kind == ("policyException" if message_id.startswith("POL") else "serviceException")
    assert answered["X-MinorVersion"] == "2"


async def test_a_full_spool_is_503_with_retry_after_and_nothing_taken(tmp_path: Path) -> None:
    async with served(VesSettings, tmp_path, Bounds(max_bytes=800)) as (opened, url):
        assert (await post(url + ONE, {"event": fault()}))[0] == 202
        status, said, headers = await post(url + ONE, {"event": fault({"eventId": "another"})})
        assert len(await opened.kept()) == 1
    assert (status, headers["Retry-After"]) == (503, "5")
    assert said["requestError"]["serviceException"]["messageId"] == "SVC1000"


async def test_names_and_passwords_are_asked_for_and_changed_without_a_restart(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("gnb-01:mở cửa\n")

    async def status(name: str, password: str) -> int:
        given = base64.b64encode(f"{name}:{password}".encode()).decode()
        return (await post(url + ONE, {"event": fault()}, Authorization=f"Basic {given}"))[0]

    async with served(VesSettings, tmp_path, users_file=str(users)) as (opened, url):
        bare, said, headers = await post(url + ONE, {"event": fault()})
        assert (bare, said["requestError"]["policyException"]["messageId"]) == (401, "POL2000")
        assert headers["WWW-Authenticate"].startswith("Basic")
        assert await status("gnb-01", "wrong") == 401
        assert await status("nobody", "mở cửa") == 401
        assert await status("gnb-01", "mở cửa") == 202
        assert opened.errors("unauthorised") == 3
        users.write_text("gnb-01:the new one\n")
        assert await status("gnb-01", "mở cửa") == 401
        assert await status("gnb-01", "the new one") == 202


async def test_a_file_of_users_that_is_half_written_lets_in_who_was_let_in(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("gnb-01:secret\n")
    given = "Basic " + base64.b64encode(b"gnb-01:secret").decode()
    async with served(VesSettings, tmp_path, users_file=str(users)) as (_, url):
        users.write_text("gnb-0")
        assert (await post(url + ONE, {"event": fault()}, Authorization=given))[0] == 202


async def test_curl_needs_a_certificate_of_the_right_authority(tmp_path: Path) -> None:
    need({"curl": "curl"}, quiet)
    ours, others = Authority(tmp_path, "ours").create(), Authority(tmp_path, "others").create()
    server, client, stranger = ours.signed("server"), ours.signed("client"), others.signed("stranger")
    body = tmp_path / "event.json"
    body.write_text(json.dumps({"event": fault()}))
    words = {"cert_file": str(server.cert), "key_file": str(server.key), "client_ca_file": str(ours.cert)}
    to_post = ["--cacert", str(ours.cert), "-H", "Content-Type: application/json", "--data-binary", f"@{body}"]
    async with served(VesSettings, tmp_path, **words) as (opened, url):
        before = opened.errors("handshake")
        assert await curl(*to_post, url + ONE) == "000"
        assert await curl(*to_post, "--cert", str(stranger.cert), "--key", str(stranger.key), url + ONE) == "000"
        assert opened.errors("handshake") == before + 2
        assert await curl(*to_post, "--cert", str(client.cert), "--key", str(client.key), url + ONE) == "202"
        assert len(await opened.kept()) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"client_ca_file": "ca.pem"}, "client_ca_file needs TLS"),
        ({"cert_file": "cert.pem"}, "cert_file and key_file come together"),
        ({"files": {}}, "name a folder, or hosts, or both"),
        ({"files": {"hosts": ["https://ems"]}}, "String should match pattern"),
        ({"check_by": "nobody"}, "Input should be 'needed' or 'standard'"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(words: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        VesSettings.model_validate({"kind": "ves", "name": "ran", "port": 8443, **words})


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"users_file": "none"}, "cannot read none"),
        ({"site": "tanvu"}, "site tanvu is not"),
        ({"site": "VNHPH-TANVU", "map": "cells.yaml"}, "site and map say the same"),
        ({"files": {"folder": "none"}}, "none is not a folder"),
    ],
)
def test_what_settings_name_is_looked_at_before_anything_starts(words: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        VesSettings.model_validate({"kind": "ves", "name": "ran", "port": 8443, **words}).check()


@pytest.mark.parametrize(("content", "says"), [("", "names nobody"), ("gnb-01", "1: write name:password")])
def test_a_file_of_users_that_is_none_is_said(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "users").write_text(content)
    with pytest.raises(ConfigurationError, match=says):
        VesSettings.model_validate(
            {"kind": "ves", "name": "ran", "port": 8443, "users_file": str(tmp_path / "users")}
        ).check()
