"""The local stack for real: its parts answer, outlive crashes, and are told from everybody else's."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local import PARTS, Stack, Stop, workers
from deploy.local.home import Home
from deploy.local.ports import settle
from schemas.errors import ConfigurationError, ServiceUnreachableError

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"))
    stack.up()
    yield stack
    stack.down()


@pytest.fixture
def whole(stack: Stack) -> Stack:
    """The stack with every part running, whatever the test before left."""
    stack.up()
    return stack


def query(url: str | None, text: str) -> list[tuple[object, ...]]:
    assert url is not None
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else []


async def topics(stack: Stack, *made: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.status().brokers)
    await admin.start()
    try:
        if made:
            await admin.create_topics([NewTopic(name, 1, 1) for name in made])
        return set(await admin.list_topics())
    finally:
        await admin.close()


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from streams.cli import main; main()", *arguments],
        env={**os.environ, "QUAYSTREAM_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_second_up_starts_nothing(whole: Stack) -> None:
    pids = [whole.pid(name) for name in PARTS]
    assert whole.up() == []
    assert [whole.pid(name) for name in PARTS] == pids


@pytest.mark.parametrize("role", ["owner", "worker", "reader"])
def test_each_role_connects_with_its_own_url(whole: Stack, role: str) -> None:
    status = whole.status()
    url = {"owner": status.database_url, "worker": status.worker_url, "reader": status.reader_url}[role]
    assert query(url, "SELECT current_user") == [(f"quaystream_{role}",)]


def test_a_wrong_password_is_refused(whole: Stack) -> None:
    url = whole.superuser_url().replace("postgres:", "postgres:x", 1)
    with pytest.raises(psycopg.OperationalError):
        query(url, "SELECT 1")


def test_database_is_durable_and_has_the_extension(whole: Stack) -> None:
    url = whole.status().reader_url
    assert query(url, "SHOW fsync") == [("on",)]
    assert query(url, "SHOW synchronous_commit") == [("on",)]
    assert query(url, "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'") == [(1,)]


@pytest.mark.parametrize("role", ["worker_url", "reader_url"])
def test_only_the_owner_may_make_tables(whole: Stack, role: str) -> None:
    with pytest.raises(psycopg.Error):
        query(getattr(whole.status(), role), "CREATE TABLE mine (x int)")


def test_everything_listens_on_loopback_only(whole: Stack) -> None:
    ports = json.loads((whole.home / "stack.json").read_text())["ports"]
    lines = [
        line.split() for file in ("/proc/net/tcp", "/proc/net/tcp6") for line in Path(file).read_text().splitlines()[1:]
    ]
    listening = {line[1] for line in lines if line[3] == "0A"}
    ours = {address for address in listening if int(address.rpartition(":")[2], 16) in ports.values()}
    # 0100007F is 127.0.0.1; Java listens on it through an IPv6 socket.
    assert {address.rpartition(":")[0][-8:] for address in ours} == {"0100007F"}
    assert len(ours) == len(ports)


def test_passwords_are_private(whole: Stack) -> None:
    modes = {file.stat().st_mode & 0o777 for file in (whole.home / "secrets").iterdir()}
    assert modes == {0o600}
    assert (whole.home / "secrets").stat().st_mode & 0o777 == 0o700


@pytest.mark.asyncio
async def test_topics_survive_a_killed_broker(whole: Stack) -> None:
    await topics(whole, "kept")
    whole.stop("kafka", Stop.KILL)
    assert whole.status().brokers is None
    whole.start("kafka")
    assert "kept" in await topics(whole)


def test_committed_rows_survive_a_killed_database(whole: Stack) -> None:
    url = whole.status().database_url
    query(url, "CREATE TABLE kept (x int)")
    query(url, "INSERT INTO kept VALUES (1)")
    whole.stop("timescaledb", Stop.KILL)
    whole.start("timescaledb")
    assert query(url, "SELECT x FROM kept") == [(1,)]


def test_up_starts_what_was_killed_a_moment_ago(whole: Stack) -> None:
    pid = whole.pid("timescaledb")
    assert pid is not None
    os.kill(pid, SIGKILL)
    assert whole.up() == ["timescaledb"]


def test_a_second_stack_runs_beside_the_first(whole: Stack, tmp_path: Path) -> None:
    other = Stack(tmp_path / "other")
    try:
        other.up(["timescaledb"])
        assert other.status().database_url != whole.status().database_url
        assert query(other.status().worker_url, "SELECT 1") == [(1,)]
    finally:
        other.down()
    assert query(whole.status().worker_url, "SELECT 1") == [(1,)]


def test_status_is_null_for_what_does_not_run(whole: Stack) -> None:
    whole.stop("prometheus")
    answer = json.loads(command(whole.home, "status", "--json").stdout)
    assert answer["running"] is True
    assert answer["prometheus"] is None
    assert answer["brokers"] == whole.status().brokers


def test_status_of_no_stack_at_all_is_no_error(tmp_path: Path) -> None:
    result = command(tmp_path / "none", "status", "--json")
    assert result.returncode == 0
    assert json.loads(result.stdout)["running"] is False
    assert not (tmp_path / "none").exists()


def test_a_stranger_with_our_pid_is_not_stopped(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    home.pid_file("kafka").write_text(json.dumps({"pid": os.getpid(), "identity": "earlier"}))
    assert Stack(tmp_path).down() == []


def test_only_living_workers_are_listed(whole: Stack) -> None:
    home = Home(whole.home)
    ended = subprocess.Popen(["true"])
    ended.wait()
    (home.workers() / f"{ended.pid}.json").write_text('[{"targets": ["127.0.0.1:1"]}]')
    file = workers.announce(home.workers(), "127.0.0.1:2")
    try:
        assert whole.status().worker_metrics == ["http://127.0.0.1:2/metrics"]
    finally:
        file.unlink()


def test_a_taken_port_is_refused_when_asked_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = command(tmp_path, "up", "--with", "kafka", "--port", f"kafka={port}")
    assert result.returncode == 2
    assert result.stderr.startswith(f"quaystream: port {port} asked for kafka is taken")
    assert len(result.stderr.splitlines()) == 1


def test_a_taken_port_is_stepped_over_when_not_asked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert settle({}, {"kafka": port}, [])["kafka"] != port


def test_unwritable_home_is_one_line() -> None:
    result = command(Path("/proc/nowhere"), "up")
    assert result.returncode == 2
    assert result.stderr.startswith("quaystream: cannot write to /proc/nowhere")
    assert len(result.stderr.splitlines()) == 1


def test_a_part_that_does_not_come_up_names_its_log(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    (tmp_path / "kafka/data").mkdir(parents=True)
    (tmp_path / "kafka/data/meta.properties").write_text("damaged\n")
    with pytest.raises(ServiceUnreachableError) as caught:
        stack.up(["kafka"])
    assert str(tmp_path / "logs/kafka.log") in str(caught.value)
    assert caught.value.exit_code == 3


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such part: zookeeper"):
        Stack(tmp_path).up(["zookeeper"])


def test_clean_asks_first(tmp_path: Path) -> None:
    Home(tmp_path).create()
    result = command(tmp_path, "clean")
    assert result.returncode == 2
    assert "add --yes" in result.stderr
    assert (tmp_path / "secrets").exists()


def test_clean_leaves_what_is_not_ours(tmp_path: Path) -> None:
    Home(tmp_path).create()
    (tmp_path / "thesis.txt").write_text("years of work")
    assert command(tmp_path, "clean", "--yes").returncode == 0
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_clean_never_reaches_through_a_mount(tmp_path: Path) -> None:
    Home(tmp_path).create()
    precious, inside = tmp_path / "precious", tmp_path / "kafka"
    for folder in (precious, inside):
        folder.mkdir()
    (precious / "file").touch()
    subprocess.run(["mount", "--bind", str(precious), str(inside)], check=True)
    try:
        result = command(tmp_path, "clean", "--yes")
    finally:
        subprocess.run(["umount", str(inside)], check=True)
    assert result.returncode == 2
    assert "is a mount" in result.stderr
    assert (precious / "file").exists()
