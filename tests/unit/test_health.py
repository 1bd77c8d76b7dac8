"""`health`: exit codes that a health check can use, from what a real server answers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from schemas.errors import CheckFailedError, ServiceUnreachableError
from streams.cli import build_app
from streams.cli.health import ask
from tests.support.worker import free_port


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = {"/livez": 200, "/readyz": 503}.get(self.path, 404)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"well" if status == 200 else b"no partitions")

    def log_message(self, *_: object) -> None:
        """Tests stay quiet."""


@contextmanager
def serving() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def test_a_page_that_is_well_is_told() -> None:
    with serving() as port:
        assert ask("127.0.0.1", port, "livez") == "well"


def test_a_page_that_is_not_well_fails_with_its_words() -> None:
    with serving() as port, pytest.raises(CheckFailedError, match="503: no partitions"):
        ask("127.0.0.1", port, "readyz")


def test_nobody_there_is_another_exit_code() -> None:
    with pytest.raises(ServiceUnreachableError, match="does not answer"):
        ask("127.0.0.1", free_port(), "livez")


def test_the_command_asks_loopback_when_the_process_listens_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as port:
        monkeypatch.setenv("QUAYSTREAM_WEB_BIND", "0.0.0.0")  # noqa: S104
        monkeypatch.setenv("QUAYSTREAM_WEB_PORT", str(port))
        result = CliRunner().invoke(build_app(), ["health"])
    assert (result.exit_code, result.output) == (0, "well\n")
