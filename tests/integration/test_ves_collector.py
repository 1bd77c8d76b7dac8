"""VES messages by curl and PM files by folder and notification, through a gateway into the database: each value once."""

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.packages import need
from deploy.local.part import quiet
from tests.support.gateways import Gateway
from tests.support.network import PM_FILES, VES
from tests.support.network_oracle import pm_rows, ves_rows
from tests.support.system import System
from tests.support.waiting import wait_until
from tests.unit.edge.test_file_ready import by_standard

# The samples are up to a quarter of a century old.
MAX_AGE = "36500d"
SOURCES = """
[[sources]]
kind = "ves"
name = "ran"
port = {port}
users_file = "{inbox}/users"
site = "VNHPH-TANVU"
[sources.files]
folder = "{inbox}/mounted"
[[sources]]
kind = "pm-xml"
name = "pm"
folder = "{inbox}"
pattern = "*.xml"
poll_s = 0.2
complete_after_s = 0
site = "VNHPH-TANVU"
"""
STORED = "SELECT name, count(*), coalesce(sum(value), 0) FROM port.cell_measurement GROUP BY name"
REFUSED = "SELECT DISTINCT topic, payload, detail FROM ingest.dead_letter"


@pytest.fixture
def gateway(environment: dict[str, str], tmp_path: Path) -> Iterator[Gateway]:
    need({"curl": "curl"}, quiet)
    gateway = Gateway(environment, tmp_path, SOURCES)
    (gateway.inbox / "mounted").mkdir()
    (gateway.inbox / "users").write_text("gnb-01:secret\n")
    yield gateway
    gateway.end()


def curl(gateway: Gateway, path: str, content: Path, user: str = "gnb-01:secret") -> str:
    """The status of a post by a client that is not ours."""
    to = f"http://127.0.0.1:{gateway.http_port}/eventListener/v7{path}"
    words = ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-u", user, "-H", "Content-Type: application/json"]
    command = ["curl", *words, "--data-binary", f"@{content}", to]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def post_samples(gateway: Gateway) -> Counter[str]:
    """Every message of the samples, each to its resource; how often each status was answered."""
    paths = {path: "/eventBatch" if b'"eventList"' in path.read_bytes() else "" for path in VES}
    return Counter(curl(gateway, resource, path) for path, resource in paths.items())


def stored(system: System) -> dict[str, tuple[int, float]]:
    return {name: (count, total) for name, count, total in system.database.rows(STORED)}


def told() -> dict[str, tuple[int, float]]:
    """What the samples say, by the oracle."""
    rows = [row for path in PM_FILES for row in pm_rows(path)] + [row for path in VES for row in ves_rows(path)]
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row["name"]] += row["value"] or 0
    names: dict[str, Any] = Counter(row["name"] for row in rows)
    return {name: (count, sums[name]) for name, count in names.items()}


def test_what_is_posted_twice_is_stored_once_and_a_file_beside_it(system: System, gateway: Gateway) -> None:
    example = next(path for path in PM_FILES if path.stem.endswith("_5G"))
    shutil.copy(example, gateway.inbox / "mounted" / "A.xml")
    notice = gateway.inbox / "notice.json"
    notice.write_text(json.dumps(by_standard("sftp://ems/pm/A.xml")))
    gateway.ready()
    assert post_samples(gateway) == {"202": 6, "400": 1}
    assert curl(gateway, "", VES[0], "gnb-01:expired") == "401"
    for path in PM_FILES:
        shutil.copy(path, gateway.inbox)
    assert curl(gateway, "", notice) == "202"
    taken = "quaystream_connector_files_total"
    wait_until(lambda: gateway.asked.metric(taken, outcome="taken") == 5, 60, "every file is taken")
    gateway.kill()
    gateway.ready()
    assert post_samples(gateway) == {"202": 6, "400": 1}
    system.workers.ready(max_age=MAX_AGE)
    # 13 events of messages and 135 of files; the messages came twice, and so did the file that was announced. What was
    # refused twice is two dead letters.
    system.await_outcomes(148 + 13 + 7 + 2, 60)
    ledger = system.verified()
    # And what the kill found delivered and not yet let go of, which is sent once more.
    assert ledger.total("accepted") == 148
    assert ledger.total("rejected") in (2, 3)
    refused = next(path for path in VES if "invalid" in path.stem)
    ((topic, payload, detail),) = system.database.rows(REFUSED)
    assert (topic, bytes(payload)) == ("cell-events", refused.read_bytes())
    assert detail.startswith("ran ves 127.0.0.1: Invalid input value for attribute")
    assert ledger.total("duplicate") >= 20
    assert stored(system) == told()
    assert gateway.asked.metric("quaystream_connector_answers_total", connector="ran") == 7
    assert gateway.stop() == 0
