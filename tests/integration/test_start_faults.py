"""A worker that cannot start says why in one line and ends with the right code: 2 = set-up, 3 = not reachable."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.databases import Database
from tests.support.system import System
from tests.support.worker import free_port


def refused(system: System, **settings: object) -> tuple[int, str]:
    """The exit code and the only line of a worker that does not start."""
    worker = system.workers.start(**settings)
    code = worker.ended(40)
    lines = [line for line in worker.log().splitlines() if line.strip()]
    assert len(lines) == 1, worker.log()
    assert lines[0].startswith("quaystream: ")
    return code, lines[0]


@contextmanager
def listening() -> Iterator[int]:
    """A port that is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield int(taken.getsockname()[1])


def at_port(dsn: str, port: int) -> str:
    parts = urlsplit(dsn)
    return parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl()


def test_a_web_port_that_is_taken(system: System) -> None:
    with listening() as port:
        code, line = refused(system, web_port=port)
    assert code == 2
    assert str(port) in line
    assert "QUAYSTREAM_WEB_PORT" in line


def test_a_wrong_password(system: System) -> None:
    parts = urlsplit(system.database.worker_dsn)
    wrong = parts._replace(netloc=parts.netloc.replace(str(parts.password), "wrong-secret")).geturl()
    code, line = refused(system, database_url=wrong)
    assert code == 2
    assert "refuses the login" in line
    assert "wrong-secret" not in line


def test_a_database_that_is_not_migrated(system: System, empty_database: Database) -> None:
    code, line = refused(system, database_url=empty_database.worker_dsn)
    assert code == 2
    assert "quaystream migrate" in line


def test_a_topic_that_is_missing(system: System) -> None:
    system.broker.delete("gate-events")
    code, line = refused(system)
    assert code == 2
    assert "gate-events" in line
    assert "quaystream topics apply" in line


def test_a_broker_that_is_down(system: System) -> None:
    port = free_port()
    code, line = refused(system, brokers=f"127.0.0.1:{port}")
    assert code == 3
    assert f"127.0.0.1:{port}" in line


def test_a_database_that_is_down(system: System) -> None:
    port = free_port()
    code, line = refused(system, database_url=at_port(system.database.worker_dsn, port))
    assert code == 3
    assert str(port) in line


def test_a_stack_folder_that_cannot_be_written(system: System, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "stack.json").write_text('{"settings": {}}')
    # In the way of the folder where workers announce themselves; permissions would not stop root.
    (home / "prometheus").write_text("")
    code, line = refused(system, home=home)
    assert code == 2
    assert str(home) in line
    assert "QUAYSTREAM_HOME" in line


def test_a_home_that_is_not_there_is_no_fault(system: System, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert system.workers.ready(home=tmp_path / "file" / "home").stop() == 0


def test_another_consumer_group(system: System) -> None:
    worker = system.workers.ready()
    assert worker.stop() == 0
    code, line = refused(system, group="another")
    assert code == 2
    assert f"QUAYSTREAM_GROUP={system.group}" in line


@pytest.mark.parametrize(
    ("setting", "value"),
    [("batch_rows", "many"), ("max_age", "long"), ("brokers", "nowhere"), ("database_url", "mysql://x@y/z")],
)
def test_a_setting_that_makes_no_sense(system: System, setting: str, value: str) -> None:
    code, line = refused(system, **{setting: value})
    assert code == 2
    assert f"QUAYSTREAM_{setting.upper()}" in line
    assert value in line
