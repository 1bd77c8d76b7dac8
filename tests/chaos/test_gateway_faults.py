"""What goes wrong around a gateway: a clear line, a metric, and nothing of what was acknowledged is lost."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_gateway import post
from tests.support.events import event
from tests.support.gateways import Gateway
from tests.support.system import System
from tests.support.waiting import wait_until

SUDO = () if os.geteuid() == 0 else ("sudo", "-n")
HTTP = """
[[sources]]
kind = "http"
name = "http"
port = {port}
"""
NOWHERE = "127.0.0.1:1"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB, with 6 MiB of somebody else's."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mine = f"size=24m,uid={os.geteuid()}"
    subprocess.run([*SUDO, "mount", "-t", "tmpfs", "-o", mine, "tmpfs", str(folder)], check=True, timeout=20)
    (folder / "of-somebody-else").write_bytes(b"x" * 6 * 1024 * 1024)
    yield folder
    subprocess.run([*SUDO, "umount", str(folder)], check=True, timeout=20)


def post_until_refused(gateway: Gateway) -> tuple[int, int]:
    """How many events were acknowledged, and the status that was not 202."""
    told = 0
    while True:
        status = post(gateway, [event(id=f"event-{told + number}") for number in range(200)])
        if status != 202:
            return told, status
        told += 200


def await_delivery(system: System, gateway: Gateway, told: int) -> None:
    """Until the spool is empty, and everything acknowledged is in the ledger once."""
    system.workers.ready()
    wait_until(lambda: gateway.asked.metric("quaystream_spool_events") == 0, 60, "the spool is empty")
    system.await_outcomes(told, 60)
    assert system.verified().total("accepted") == told


def restart_with(gateway: Gateway, environment: dict[str, str], brokers: str) -> None:
    gateway.kill()
    gateway._environment = {**gateway._environment, "QUAYSTREAM_BROKERS": brokers}
    gateway.start()


def test_full_disk_is_said_counted_and_heals_with_delivery(
    system: System, environment: dict[str, str], small_disk: Path, tmp_path: Path
) -> None:
    gateway = Gateway({**environment, "QUAYSTREAM_BROKERS": NOWHERE}, tmp_path, HTTP)
    gateway.config.write_text(gateway.config.read_text().replace(str(gateway.spool), str(small_disk / "spool.db")))
    try:
        gateway.ready()
        told, status = post_until_refused(gateway)
        assert (told > 1_000, status) == (True, 503)
        assert gateway.asked.metric("quaystream_spool_refused_total", cause="disk_full") >= 1
        wait_until(lambda: gateway.asked.page("/readyz")[0] == 503, 10, "it says that it takes nothing")
        assert "disk under the spool is full" in gateway.asked.page("/readyz")[1]
        assert "spool_takes_nothing" in gateway.log()
        assert gateway.asked.page("/livez")[0] == 200
        restart_with(gateway, environment, system.broker.brokers)
        await_delivery(system, gateway, told)
        wait_until(lambda: gateway.asked.page("/readyz")[0] == 200, 10, "it takes again")
        assert post(gateway, [event(id="afterwards")]) == 202
        assert gateway.stop() == 0
    finally:
        gateway.end()
