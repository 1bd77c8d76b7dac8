"""Files that a notification announces: fetched from where it is allowed, taken once, and otherwise given up in words."""

import asyncio
import json
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from connectors.pm_inbox.whence import Whence
from connectors.ves.file_ready import announced_in
from connectors.ves_http.settings import VesSettings
from deploy.local.certificates import Authority
from tests.support.doors import Opened
from tests.support.network import PM_FILES, become_of
from tests.support.served import send, served
from tests.support.worker import free_port
from tests.unit.edge.test_pm_inbox import told, until, values
from tests.unit.edge.test_ves_http import HEADER, JSON, ONE

EXAMPLE = next(path for path in PM_FILES if path.stem.endswith("_5G"))


def by_standard(*locations: str, **more: Any) -> dict[str, Any]:
    """notifyFileReady of TS 28.532, flat as in later releases."""
    files = [{"fileLocation": one, "fileFormat": "XML", "fileSize": 3438, **more} for one in locations]
    data = {
        "href": "https://ems/3GPPManagement/FileDataReporting",
        "notificationId": 7,
        "notificationType": "notifyFileReady",
        "eventTime": "2026-11-24T02:00:00Z",
        "fileInfoList": files,
    }
    return of_domain("stndDefined", stndDefinedFields={"stndDefinedFieldsVersion": "1.0", "data": data})


def by_header_and_body(location: str) -> dict[str, Any]:
    """The same as release 16 wrote it."""
    header = {"notificationId": "7", "notificationType": "notifyFileReady", "eventTime": "2026-11-24T02:00:00Z"}
    data = {"header": header, "body": {"fileInfoList": [{"fileLocation": location}]}}
    return of_domain("stndDefined", stndDefinedFields={"stndDefinedFieldsVersion": "1.0", "data": data})


def by_notification(location: str) -> dict[str, Any]:
    """FileReady as ONAP's collectors of PM files know it."""
    said = {"location": location, "compression": "gzip", "fileFormatType": "org.3GPP.32.435#measCollec"}
    fields = {
        "notificationFieldsVersion": "2.0",
        "changeIdentifier": "PM_MEAS_FILES",
        "changeType": "FileReady",
        "arrayOfNamedHashMap": [{"name": "A.xml.gz", "hashMap": said}],
    }
    return of_domain("notification", notificationFields=fields)


def of_domain(domain: str, **block: Any) -> dict[str, Any]:
    return {"event": {"commonEventHeader": {**HEADER, "domain": domain}, **block}}


async def announce(url: str, message: dict[str, Any]) -> int:
    return (await send(url + ONE, json.dumps(message).encode(), JSON))[0]


@asynccontextmanager
async def ems(folder: Path, answers: dict[str, Any]) -> AsyncIterator[tuple[str, Authority, list[str]]]:
    """An https server of files that is not ours: its address, who signs it, and what it was asked."""
    authority, asked, port = Authority(folder, "ems").create(), [], free_port()
    signed = authority.signed("ems-server")

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        found = answers[request.path]
        if isinstance(found, web.StreamResponse):
            return found
        return web.Response(body=found)

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(signed.cert, signed.key)
    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    yield f"127.0.0.1:{port}", authority, asked
    await runner.cleanup()


@pytest.mark.parametrize(
    "message",
    [
        by_standard("sftp://ems/pm/A.xml"),
        by_standard("file:///pm/A.xml", fileDataType="Performance"),
        by_header_and_body("/pm/A.xml"),
        by_notification("ftpes://user:secret@10.0.0.7:22/pm/A.xml"),
    ],
)
async def test_an_announced_file_is_taken_from_the_folder_that_is_mounted(
    tmp_path: Path, message: dict[str, Any]
) -> None:
    mounted = tmp_path / "mounted"
    (mounted / "pm").mkdir(parents=True)
    shutil.copy(EXAMPLE, mounted / "pm" / "A.xml")
    async with served(VesSettings, tmp_path, files={"folder": str(mounted)}) as (opened, url):
        assert await announce(url, message) == 202
        await until(lambda: opened.files("taken") == 1)
        assert await announce(url, message) == 202
        assert opened.noted("file_announced") == 2
        assert values(await opened.kept()) == told(EXAMPLE)
        assert opened.files("taken") == 1


@pytest.mark.parametrize("kind", ["Trace", "Analytics"])
def test_files_of_other_data_are_none_of_ours(kind: str) -> None:
    event = by_standard("/pm/A.xml", fileDataType=kind)["event"]
    assert announced_in(event) == []


async def test_what_is_announced_before_it_is_there_is_waited_for_across_restarts(tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    await asyncio.to_thread(mounted.mkdir)
    async with served(VesSettings, tmp_path, files={"folder": str(mounted)}) as (opened, url):
        assert await announce(url, by_standard("/pm/A.xml")) == 202
        await until(lambda: opened.errors("not_fetched") == 1)
    shutil.copy(EXAMPLE, mounted / "A.xml")
    async with served(VesSettings, tmp_path, files={"folder": str(mounted)}) as (opened, _):
        await until(lambda: opened.files("taken") == 1)
        assert values(await opened.kept()) == told(EXAMPLE)


async def test_a_file_is_fetched_by_https_from_a_host_of_the_list(tmp_path: Path) -> None:
    async with ems(tmp_path, {"/pm/A.xml": EXAMPLE.read_bytes()}) as (host, authority, _):
        files = {"hosts": [host], "ca_file": str(authority.cert)}
        async with served(VesSettings, tmp_path, files=files) as (opened, url):
            assert await announce(url, by_standard(f"https://{host}/pm/A.xml")) == 202
            await until(lambda: opened.files("taken") == 1)
            assert values(await opened.kept()) == told(EXAMPLE)


async def given_up(opened: Opened) -> dict[str, Any]:
    """The one event in the spool, which says so, and the worker's judgement of it."""
    await until(lambda: opened.files("not_fetched") == 1)
    (event,) = await opened.kept()
    (letter,) = become_of([event]).dead_letters
    assert (letter.refusal.reason.value, letter.refusal.detail) == ("invalid_data", event["undecoded"])
    return event


async def test_no_other_place_is_ever_asked(tmp_path: Path) -> None:
    async with ems(tmp_path, {"/pm/A.xml": b"<a/>"}) as (host, authority, asked):
        files = {"hosts": ["ems.tanvu.example"], "ca_file": str(authority.cert)}
        async with served(VesSettings, tmp_path, files=files) as (opened, url):
            assert await announce(url, by_standard(f"https://{host}/pm/A.xml")) == 202
            event = await given_up(opened)
        assert asked == []
    assert "is not https on a host of `hosts`" in event["undecoded"]


async def test_a_redirect_is_not_followed_and_the_file_given_up_in_the_end(tmp_path: Path) -> None:
    elsewhere = web.Response(status=302, headers={"Location": "/other.xml"})
    answers = {"/pm/A.xml": elsewhere, "/other.xml": b"<a/>"}
    async with ems(tmp_path, answers) as (host, authority, asked):
        files = {"hosts": [host], "ca_file": str(authority.cert), "give_up_after_s": 1e-6}
        async with served(VesSettings, tmp_path, files=files) as (opened, url):
            assert await announce(url, by_standard(f"https://{host}/pm/A.xml")) == 202
            event = await given_up(opened)
    assert set(asked) == {"/pm/A.xml"}
    assert "the server answers 302" in event["undecoded"]


async def test_a_server_that_another_authority_signs_is_not_believed(tmp_path: Path) -> None:
    other = Authority(tmp_path, "other").create()
    async with ems(tmp_path, {"/pm/A.xml": b"<a/>"}) as (host, _, asked):
        files = {"hosts": [host], "ca_file": str(other.cert), "give_up_after_s": 1e-6}
        async with served(VesSettings, tmp_path, files=files) as (opened, url):
            assert await announce(url, by_standard(f"https://{host}/pm/A.xml")) == 202
            event = await given_up(opened)
        assert asked == []
    assert "Certificate" in event["undecoded"]


async def test_a_file_over_the_bound_is_given_up(tmp_path: Path) -> None:
    async with ems(tmp_path, {"/pm/A.xml": b"x" * 5_000}) as (host, authority, _):
        files = {"hosts": [host], "ca_file": str(authority.cert), "max_file_bytes": 4_096}
        async with served(VesSettings, tmp_path, files=files) as (opened, url):
            assert await announce(url, by_standard(f"https://{host}/pm/A.xml")) == 202
            event = await given_up(opened)
    assert "larger than 4,096 bytes" in event["undecoded"]


@pytest.mark.parametrize(
    "location",
    [
        "../secret.xml",
        "/../secret.xml",
        "file:///%2e%2e/secret.xml",
        "/link.xml",
        "/pm/",
        "",
        "/pm/none.xml",
        "/a\0b.xml",
        "https://[broken",
    ],
)
def test_nothing_leads_out_of_the_folder(tmp_path: Path, location: str) -> None:
    mounted = tmp_path / "mounted"
    (mounted / "pm").mkdir(parents=True)
    (tmp_path / "secret.xml").write_text("secret")
    (mounted / "link.xml").symlink_to(tmp_path / "secret.xml")
    assert Whence(folder=mounted).local(location) is None


@pytest.mark.parametrize(
    ("location", "is_allowed"),
    [
        ("https://ems.example/a.xml", True),
        ("https://EMS.example:443/a.xml", True),
        ("https://ems.example:8443/a.xml", True),
        ("https://ems.example:8444/a.xml", False),
        ("http://ems.example/a.xml", False),
        ("https://ems.example.evil.example/a.xml", False),
        ("https://ems.example@evil.example/a.xml", False),
        ("https://user@ems.example/a.xml", False),
        ("https://ems.example:99999/a.xml", False),
        ("ftp://ems.example/a.xml", False),
        ("/a.xml", False),
    ],
)
def test_only_https_on_a_host_of_the_list_is_a_url(location: str, is_allowed: bool) -> None:
    whence = Whence(hosts=frozenset({"ems.example", "ems.example:8443"}))
    assert (whence.url(location) is not None) == is_allowed
