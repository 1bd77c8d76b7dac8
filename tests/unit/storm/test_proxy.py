"""The proxy that breaks links, against a server that answers each line: every fault does what its name says, and ends."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from streams.cli.storm.proxy import Proxies
from streams.cli.storm.weather import FAIR, Weather

PATIENCE_S = 20.0


class Echo(socketserver.StreamRequestHandler):
    """Answers each line with itself; what it read is in `read` of the server."""

    def handle(self) -> None:
        for line in self.rfile:
            self.server.read.append(line)  # type: ignore[attr-defined]
            self.wfile.write(line)
            self.wfile.flush()


@pytest.fixture
def server() -> Iterator[socketserver.ThreadingTCPServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        server.read = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture
def proxies() -> Iterator[Proxies]:
    with Proxies(seed=1) as proxies:
        yield proxies


@pytest.fixture
def port(proxies: Proxies, server: socketserver.ThreadingTCPServer) -> int:
    return proxies.port_of("edge-1", server.server_address[1])


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        yield connection


def heard(connection: socket.socket, size: int) -> bytes:
    """So many bytes; an end before them is an error as a reset is."""
    pieces = b""
    while len(pieces) < size:
        piece = connection.recv(size - len(pieces))
        if not piece:
            raise ConnectionAbortedError
        pieces += piece
    return pieces


def asked(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return heard(connection, len(text))


def ask_on(connection: socket.socket) -> None:
    while True:
        asked(connection, b"x" * 99 + b"\n")


def await_read(server: socketserver.ThreadingTCPServer, line: bytes) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while line not in server.read:  # type: ignore[attr-defined]
        assert time.monotonic() < deadline, "the server did not read it"
        time.sleep(0.01)


def test_a_link_without_a_fault_passes_everything_on(port: int) -> None:
    text = b"x" * 300_000 + b"\n"
    with connected(port) as connection:
        assert asked(connection, text) == text


def test_a_delay_holds_back_and_keeps_the_order(port: int, proxies: Proxies) -> None:
    proxies.change("edge-", Weather(delay_s=0.1, jitter_s=0.05))
    with connected(port) as connection:
        began_s = time.monotonic()
        assert asked(connection, b"one\ntwo\nthree\n") == b"one\ntwo\nthree\n"
        assert time.monotonic() - began_s >= 0.2


def test_a_slow_link_takes_at_least_as_long_as_its_bytes(port: int, proxies: Proxies) -> None:
    proxies.change("edge-", Weather(bytes_per_s=100_000))
    with connected(port) as connection:
        began_s = time.monotonic()
        asked(connection, b"x" * 9_999 + b"\n")
        assert time.monotonic() - began_s >= 0.1


def test_a_silent_link_accepts_answers_nothing_and_goes_on_with_what_it_held(port: int, proxies: Proxies) -> None:
    proxies.change("edge-", Weather(is_silent=True))
    with connected(port) as connection:
        connection.sendall(b"hello\n")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        proxies.change("edge-", FAIR)
        connection.settimeout(PATIENCE_S)
        assert heard(connection, 6) == b"hello\n"


def test_a_link_is_cut_after_so_many_bytes(port: int, proxies: Proxies) -> None:
    proxies.change("edge-", Weather(cut_after=1_000))
    with connected(port) as connection, pytest.raises(ConnectionError):
        ask_on(connection)
    assert proxies.cuts() == 1


def test_a_commit_reaches_the_server_and_its_answer_does_not_come(
    port: int, proxies: Proxies, server: socketserver.ThreadingTCPServer
) -> None:
    proxies.change("edge-", Weather(cut_on=b"COMMIT"))
    with connected(port) as connection:
        assert asked(connection, b"INSERT\n") == b"INSERT\n"
        connection.sendall(b"COMMIT\n")
        with pytest.raises(ConnectionError):
            connection.recv(1)
    await_read(server, b"COMMIT\n")
    with connected(port) as connection:
        assert asked(connection, b"COMMIT\n") == b"COMMIT\n"


def test_what_is_open_is_reset_and_what_comes_is_not(port: int, proxies: Proxies) -> None:
    with connected(port) as connection:
        asked(connection, b"one\n")
        proxies.reset("edge-1")
        with pytest.raises(ConnectionError):
            connection.recv(1)
    with connected(port) as connection:
        assert asked(connection, b"two\n") == b"two\n"


def test_a_link_that_refuses_resets_new_connections(port: int, proxies: Proxies) -> None:
    proxies.change("edge-", Weather(refuses=True))
    with pytest.raises(ConnectionError), connected(port) as connection:
        ask_on(connection)
    proxies.change("edge-", FAIR)
    with connected(port) as connection:
        assert asked(connection, b"three\n") == b"three\n"


def test_a_prefix_names_its_links_alone(proxies: Proxies, server: socketserver.ThreadingTCPServer) -> None:
    target = server.server_address[1]
    one, other = (proxies.port_of(name, target) for name in ("work-1", "db-a"))
    proxies.change("work-", Weather(refuses=True))
    assert proxies.names("w") == ["work-1"]
    with pytest.raises(ConnectionError), connected(one) as connection:
        ask_on(connection)
    with connected(other) as connection:
        assert asked(connection, b"one\n") == b"one\n"


def test_a_server_that_is_not_there_resets_the_client(proxies: Proxies) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = proxies.port_of("edge-2", nobody.getsockname()[1])
        with pytest.raises(ConnectionError), connected(port) as connection:
            ask_on(connection)
