"""The gateway command on a real broker and worker: HTTP, files, refusals in one line."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.events import event
from tests.support.gateways import Gateway
from tests.support.system import System
from tests.support.worker import COMMAND

SOURCES = """
[[sources]]
kind = "http"
name = "http"
port = {port}
[[sources]]
kind = "files"
name = "lines"
folder = "{inbox}"
poll_s = 0.1
"""
BATCH = "application/cloudevents-batch+json"
NUMBERED = "SELECT count(*), count(DISTINCT sequence) FROM port.crane_sample WHERE bootid IS NOT NULL"


@pytest.fixture
def gateway(environment: dict[str, str], tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(environment, tmp_path, SOURCES)
    yield gateway
    gateway.end()


def post(gateway: Gateway, events: Sequence[dict[str, Any]]) -> int:
    """As a client does that is not ours; the status."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{gateway.http_port}/events", json.dumps(events).encode(), {"Content-Type": BATCH}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_what_is_posted_twice_is_stored_once(system: System, gateway: Gateway) -> None:
    system.workers.ready()
    gateway.ready()
    events = [event() for _ in range(50)]
    assert post(gateway, events) == 202
    assert post(gateway, events) == 202
    assert post(gateway, [{**event(), "subject": "nobody"}]) == 400
    system.await_outcomes(101)
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("duplicate"), ledger.total("rejected")) == (50, 50, 1)
    assert gateway.asked.metric("quaystream_connector_events_total", connector="http") == 100
    assert gateway.asked.metric("quaystream_connector_errors_total", connector="http", kind="invalid") == 1
    (detail,) = system.database.rows("SELECT detail FROM ingest.dead_letter")[0]
    assert "http 127.0.0.1: subject nobody is not" in detail
    assert gateway.asked.metric("quaystream_connector_dead_letters_total", connector="http") == 1
    assert gateway.asked.page("/livez")[0] == 200
    assert gateway.stop() == 0


def test_lines_are_numbered_across_restarts(system: System, gateway: Gateway) -> None:
    system.workers.ready()
    gateway.ready()
    keep = {"type", "subject", "time", "data"}
    lines = [json.dumps({name: value for name, value in event().items() if name in keep}) + "\n" for _ in range(20)]
    file = gateway.inbox / "cranes.jsonl"
    file.write_text("".join(lines[:10]))
    system.await_outcomes(10)
    assert gateway.stop() == 0
    with file.open("a") as more:
        more.write("".join(lines[10:]))
    gateway.ready()
    system.await_outcomes(20)
    assert system.verified().total("accepted") == 20
    assert system.database.rows(NUMBERED) == [(20, 20)]
    assert system.database.value("SELECT count(*) FROM ingest.sequence_gap") == 0


def test_a_pipe_is_sent_and_the_gateway_ends_with_it(system: System, tmp_path: Path) -> None:
    config = tmp_path / "pipe.toml"
    config.write_text(
        f'source = "/a/pipe"\n[spool]\npath = "{tmp_path / "pipe.db"}"\n[[sources]]\nkind = "stdin"\nname = "pipe"\n'
    )
    lines = "".join(json.dumps(event()) + "\n" for _ in range(30))
    command = [*COMMAND, "gateway", str(config)]
    done = subprocess.run(
        command, env=dict(system.environment), input=lines, text=True, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(system.broker.records("crane-events")) == 30


def test_check_says_what_it_found_and_starts_nothing(system: System, gateway: Gateway) -> None:
    done = system.command("gateway", str(gateway.config), "--check")
    assert done.returncode == 0, done.stderr
    assert "http (http), lines (files)" in done.stdout
    assert not gateway.spool.exists()


def test_what_is_wrong_is_one_line_and_exit_2(system: System, gateway: Gateway) -> None:
    gateway.ready()
    for config, says in ((gateway.config, "another process has it open"), (gateway.spool, "is not TOML")):
        done = system.command("gateway", str(config))
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert says in done.stderr
