"""The real stack for every test that needs one, and fresh topics and databases for each.

`QUAYSTREAM_TEST_HOME` names a running stack to use instead of one of our own, `QUAYSTREAM_TEST_SECURED_HOME` a secured
one that these tests alone have used; it is left running.
"""

import os
import secrets
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from connectors.timescale.migrate import migrate
from deploy.local.ports import is_free
from deploy.local.security import Security
from deploy.local.stack import Stack
from tests.support.broker import Broker
from tests.support.databases import Database, Databases
from tests.support.secured import Secured
from tests.support.system import System
from tests.support.worker import Workers

PARTS = ("kafka", "timescaledb")
REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the outcome of a test where its fixtures find it: a failed one shows its workers' logs."""
    report = yield
    if report.when == "call":
        item.stash[REPORT] = report
    return report


def own_ports(*more: str) -> dict[str, int]:
    """Ports far from the usual ones: while a test has a part stopped, no other stack on this machine may take its port."""
    free = (port for port in iter(lambda: 20_000 + secrets.randbelow(10_000), None) if is_free(port))
    return dict(zip((*PARTS, "controller", *more), free, strict=False))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Kafka and TimescaleDB, running."""
    given = os.environ.get("QUAYSTREAM_TEST_HOME")
    stack = Stack(Path(given)) if given else Stack(tmp_path_factory.mktemp("stack"), own_ports())
    stack.up(PARTS)
    yield stack
    if not given:
        stack.down()


@pytest.fixture(scope="session")
def status(stack: Stack) -> dict[str, str]:
    """The addresses of `quaystream status --json` that are there."""
    return {name: str(value) for name, value in stack.status().as_json().items() if value}


@pytest.fixture(scope="session")
def databases(stack: Stack) -> Iterator[Databases]:
    databases = Databases(stack)
    yield databases
    databases.close()


@pytest.fixture
def empty_database(databases: Databases) -> Iterator[Database]:
    """A database with the extension, not migrated."""
    with databases.empty() as database:
        yield database


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """A migrated database."""
    with databases.migrated() as database:
        yield database


@pytest.fixture(scope="session")
def broker(stack: Stack) -> Broker:
    """The broker as it is; `topics` empties it first."""
    return Broker(str(stack.status().brokers))


@pytest.fixture
def topics(broker: Broker) -> Broker:
    """The broker with every declared topic, empty."""
    broker.reset()
    return broker


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A stack of `quaystream up --secure`, migrated, with every topic; it asks for passwords again every five seconds."""
    given = os.environ.get("QUAYSTREAM_TEST_SECURED_HOME")
    home, ports = (Path(given), {}) if given else (tmp_path_factory.mktemp("secured"), own_ports("mtls"))
    stack = Stack(home, ports, Security(is_on=True, reauthenticate_s=5))
    try:
        stack.up(PARTS)
        migrate(str(stack.status().database_url))
        secured = Secured(stack)
        secured.broker.reset()
        yield secured
    finally:
        if not given:
            stack.down()


@pytest.fixture
def environment(topics: Broker, database: Database, tmp_path: Path) -> dict[str, str]:
    """The environment of a worker of this test: its database, its group, its home."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("QUAYSTREAM_")}
    return {
        **ours,
        "QUAYSTREAM_BROKERS": topics.brokers,
        "QUAYSTREAM_DATABASE_URL": database.worker_dsn,
        "QUAYSTREAM_OWNER_URL": database.owner_dsn,
        "QUAYSTREAM_READER_URL": database.reader_dsn,
        "QUAYSTREAM_GROUP": f"test-{secrets.token_hex(4)}",
        "QUAYSTREAM_HOME": str(tmp_path / "home"),
    }


@pytest.fixture
def workers(environment: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Workers]:
    """Starts workers; all are gone afterwards, and a failed test shows what they said."""
    workers = Workers(environment, tmp_path)
    yield workers
    workers.end()
    report = request.node.stash.get(REPORT, None)
    if report is not None and report.failed:
        report.sections.append(("workers", workers.logs()))


@pytest.fixture
def system(topics: Broker, database: Database, workers: Workers, environment: dict[str, str]) -> System:
    """All of it together."""
    return System(topics, database, workers, environment)
