"""Memory and disk run out: the worker's memory is capped while it is far behind, and everything's disk fills to the last byte.

`make chaos` runs them: they need minutes and gigabytes.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.part import Stop
from deploy.local.stack import Stack
from schemas.errors import ServiceUnreachableError
from tests.conftest import own_ports
from tests.support.broker import Broker
from tests.support.databases import Databases
from tests.support.events import numbered, structured
from tests.support.memory_cap import capped
from tests.support.stream import streaming
from tests.support.system import System
from tests.support.waiting import wait_until
from tests.support.worker import Workers

SUDO = () if os.geteuid() == 0 else ("sudo", "-n")
BEHIND = 200_000
# A worker at rest has about 150 MB.
MOST_BYTES = 450 * 1024 * 1024
FULL_S = 15.0

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


def test_a_worker_far_behind_catches_up_within_a_memory_cap(system: System) -> None:
    system.send(*(structured(numbered(n // 2 + 1, bootid=f"boot-{n % 2}")).to(n % 2) for n in range(BEHIND)))
    worker = system.workers.start()
    with capped(worker.pid, MOST_BYTES) as means:
        most = 0

        def caught_up() -> bool:
            nonlocal most
            assert worker.is_running(), f"{means}: it ended with {worker.process.returncode}\n{worker.log()[-2000:]}"
            most = max(most, worker.rss_bytes())
            return system.outcomes() >= BEHIND

        wait_until(caught_up, 300, "it has caught up")
        assert most < MOST_BYTES, means
        assert system.verified().total("accepted") == BEHIND
        assert worker.stop() == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 900 MiB, on which a whole stack lives."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run([*SUDO, "mount", "-t", "tmpfs", "-o", "size=900m,mode=755", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run([*SUDO, "umount", "-l", str(folder)], check=True, timeout=20)


@pytest.fixture
def small_stack(small_disk: Path) -> Iterator[Stack]:
    stack = Stack(small_disk / "home", own_ports())
    stack.up(["kafka", "timescaledb"])
    yield stack
    for part in ("kafka", "timescaledb"):
        stack.stop(part, Stop.KILL)


def test_a_disk_under_broker_and_database_that_fills_up_loses_nothing_that_was_acknowledged(
    small_stack: Stack, small_disk: Path, tmp_path: Path
) -> None:
    broker = Broker(str(small_stack.status().brokers))
    broker.reset()
    databases = Databases(small_stack)
    with databases.migrated() as database:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("QUAYSTREAM_")},
            "QUAYSTREAM_BROKERS": broker.brokers,
            "QUAYSTREAM_DATABASE_URL": database.worker_dsn,
            "QUAYSTREAM_OWNER_URL": database.owner_dsn,
            "QUAYSTREAM_HOME": str(tmp_path / "home"),
        }
        workers = Workers(environment, tmp_path)
        system = System(broker, database, workers, environment)
        try:
            worker = workers.ready()
            ballast = small_disk / "of-somebody-else"
            with streaming(broker, 1_000) as stream:
                system.await_outcomes(2_000)
                fill(ballast)
                watch_it_being_full(ballast)
                ballast.unlink()
                revive(small_stack)
                goal = stream.sent
                wait_until(worker.is_running, 5, "the worker is there")
                system.await_outcomes(goal, 120)
            ledger = system.verified()
            assert ledger.total("accepted") == stream.sent
            assert ledger.total("rejected") == 0
            assert ledger.total("missing") == 0
        finally:
            workers.end()


def fill(file: Path) -> None:
    """To the last byte."""
    size = 1024 * 1024
    with file.open("ab", buffering=0) as ballast:
        while size:
            try:
                ballast.write(b"x" * size)
            except OSError:
                size //= 2


def watch_it_being_full(ballast: Path) -> None:
    """What is freed by whoever ends is taken too."""
    end = time.monotonic() + FULL_S
    while time.monotonic() < end:
        fill(ballast)
        time.sleep(0.2)


def revive(stack: Stack) -> None:
    """As a supervisor would, until both stay."""
    for _ in range(5):
        try:
            stack.up(["kafka", "timescaledb"])
        except ServiceUnreachableError:
            continue
        return
    raise AssertionError("they do not come back")
