"""The doctor's page: what it finds wrong, and how it ends."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from typer.testing import CliRunner, Result

from deploy.local import workers
from deploy.local.home import Home
from schemas.errors import CheckFailedError, ConfigurationError, ServiceUnreachableError
from streams.cli import doctor as doctor_command

Command = Callable[[], tuple[Result, dict[str, dict[str, str]]]]


@pytest.fixture
def run(status: dict[str, str], database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs `doctor --json`; answers the result and the findings by name."""
    monkeypatch.setenv("QUAYSTREAM_HOME", str(tmp_path))
    monkeypatch.setenv("QUAYSTREAM_BROKERS", status["brokers"])
    monkeypatch.setenv("QUAYSTREAM_DATABASE_URL", database.worker_dsn)
    monkeypatch.delenv("QUAYSTREAM_DATABASE_PASSWORD_FILE", raising=False)
    app = typer.Typer()
    doctor_command.register(app)

    def invoke() -> tuple[Result, dict[str, dict[str, str]]]:
        result = CliRunner().invoke(app, ["--json"])
        page = json.loads(result.stdout) if result.stdout else []
        return result, {finding["what"]: finding for finding in page}

    return invoke


def change(database: Any, statement: str) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute(statement.encode())


def test_a_migrated_database_and_a_broker_are_found(run: Command) -> None:
    _, page = run()
    assert {page[what]["state"] for what in ("settings", "broker", "database", "schema", "ledger", "paused")} == {"ok"}
    assert page["consumer group"]["state"] == "note"
    assert page["workers"]["state"] == "note"


def test_the_password_is_not_on_the_page(run: Command, database: Any) -> None:
    result, _ = run()
    assert database.worker_dsn.split(":")[2].split("@")[0] not in result.stdout


WRONG = {
    "consumer group": "INSERT INTO ingest.partition_offset (consumer_group, topic, partition, first_offset, next_offset) "
    "VALUES ('another', 'no-events', 0, 0, 0)",
    "ledger": "INSERT INTO ingest.partition_offset (consumer_group, topic, partition, first_offset, next_offset) "
    "VALUES ('quaystream', 'no-events', 0, 0, 5)",
    "paused": "INSERT INTO ingest.partition_pause (consumer_group, topic, partition, detail) "
    "VALUES ('quaystream', 'crane-events', 0, '5000 in a row')",
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named_and_ends_with_a_failed_check(run: Command, database: Any, what: str) -> None:
    change(database, WRONG[what])
    result, page = run()
    assert page[what]["state"] == "wrong"
    assert isinstance(result.exception, CheckFailedError)
    assert what in str(result.exception)


def test_a_resumed_partition_is_not_wrong(run: Command, database: Any) -> None:
    change(database, WRONG["paused"])
    change(database, "UPDATE ingest.partition_pause SET resumed_at = now()")
    assert run()[1]["paused"]["state"] == "ok"


def test_dead_letters_are_counted_by_reason(run: Command, database: Any) -> None:
    change(
        database,
        "INSERT INTO ingest.dead_letter (topic, partition, record_offset, reason, relayed_at) VALUES "
        "('crane-events', 0, 1, 'too_old', now()), ('crane-events', 0, 2, 'undecodable', now()), "
        "('crane-events', 0, 3, 'undecodable', NULL)",
    )
    assert run()[1]["dead letters"]["detail"] == "undecodable 2, too_old 1; 1 not relayed yet"


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("DELETE FROM ingest.schema_change WHERE id LIKE '0042%'", "quaystream migrate"),
        ("DROP TABLE ingest.dead_letter", "is damaged"),
    ],
)
def test_a_database_that_is_not_migrated_or_not_whole_is_wrong(
    run: Command, database: Any, what: str, told: str
) -> None:
    change(database, what)
    result, page = run()
    assert told in page["schema"]["detail"]
    assert isinstance(result.exception, CheckFailedError)


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("QUAYSTREAM_BROKERS", "127.0.0.1:1", "broker"),
        ("QUAYSTREAM_DATABASE_URL", "postgresql://quaystream_worker:x@127.0.0.1:1/quaystream", "database"),
    ],
)
def test_what_does_not_answer_is_unreachable(
    run: Command, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, what: str
) -> None:
    monkeypatch.setenv(variable, value)
    result, page = run()
    assert page[what]["state"] == "unreachable"
    assert isinstance(result.exception, ServiceUnreachableError)


def test_wrong_settings_are_a_configuration_error(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUAYSTREAM_WEB_PORT", "nowhere")
    result, _ = run()
    assert isinstance(result.exception, ConfigurationError)


@pytest.fixture(params=[(200, "ok"), (503, "wrong")], ids=["ready", "not ready"])
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A worker that announces itself and answers /readyz; its address and the state it should be found in."""
    code, state = request.param

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(b"the database is away")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    workers.announce(Home(tmp_path).workers(), address)
    yield address, state
    server.shutdown()
    server.server_close()


def test_workers_are_asked_whether_they_are_ready(run: Command, worker: tuple[str, str]) -> None:
    address, state = worker
    finding = run()[1][f"worker {address}"]
    assert finding["state"] == state
    assert state == "ok" or "the database is away" in finding["detail"]
