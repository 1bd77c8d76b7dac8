"""`offsets show` and `reset` against a real broker and database."""

import asyncio
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import typer
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from typer.testing import CliRunner, Result

from connectors.kafka.options import KafkaAccess
from connectors.kafka.positions import OffsetSpan, read_members, read_positions
from schemas.errors import ConfigurationError, ServiceUnreachableError
from streams.cli import offsets as offsets_command

Command = Callable[..., Result]


@pytest.fixture
def brokers(status: dict[str, str]) -> str:
    return status["brokers"]


@pytest.fixture
def topic(brokers: str) -> Iterator[str]:
    """A topic of two partitions with three records in the first."""
    name = f"test-offsets-{secrets.token_hex(4)}"
    asyncio.run(make_topic(brokers, name))
    yield name
    asyncio.run(delete_topic(brokers, name))


async def make_topic(brokers: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=brokers) as producer:
        for _ in range(3):
            await producer.send_and_wait(name, b"x", partition=0)


async def delete_topic(brokers: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    await admin.delete_topics([name])
    await admin.close()


@pytest.fixture
def run(database: Any, brokers: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("QUAYSTREAM_HOME", "/nonexistent")
    monkeypatch.setenv("QUAYSTREAM_BROKERS", brokers)
    monkeypatch.setenv("QUAYSTREAM_GROUP", "test-offsets")
    for name, dsn in (("OWNER", database.owner_dsn), ("DATABASE", database.worker_dsn)):
        monkeypatch.setenv(f"QUAYSTREAM_{name}_URL", dsn)
        monkeypatch.delenv(f"QUAYSTREAM_{name}_PASSWORD_FILE", raising=False)
    app = typer.Typer()
    offsets_command.register(app)
    return lambda *arguments: CliRunner().invoke(app, ["offsets", *arguments])


def claim(database: Any, topic: str) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute(
            "INSERT INTO ingest.partition_offset (consumer_group, topic, partition, first_offset, next_offset, owner, accepted) "
            "VALUES ('test-offsets', %s, 0, 500, 510, 'w1', 10), ('test-offsets', %s, 1, 7, 7, 'w1', 0)",
            (topic, topic),
        )


def shown(run: Command) -> dict[int, tuple[int, int, int, str | None]]:
    rows = json.loads(run("show", "--json").stdout)
    return {row["partition"]: (row["first_offset"], row["next_offset"], row["epoch"], row["owner"]) for row in rows}


def test_positions_are_the_brokers(brokers: str, topic: str) -> None:
    found = asyncio.run(read_positions(KafkaAccess(brokers), [topic, "no-such-topic"]))
    assert found == {(topic, 0): OffsetSpan(0, 3), (topic, 1): OffsetSpan(0, 0)}


def test_a_broker_that_is_away_is_unreachable() -> None:
    for question in (read_positions(KafkaAccess("127.0.0.1:1"), ["x"]), read_members(KafkaAccess("127.0.0.1:1"), "x")):
        with pytest.raises(ServiceUnreachableError):
            asyncio.run(question)


def test_nothing_claimed_is_said_in_words(run: Command) -> None:
    assert "No worker has claimed a partition yet." in run("show").stdout


@pytest.mark.parametrize(("to", "expected"), [("earliest", (0, 0)), ("latest", (3, 3)), ("2", (2, 2))])
def test_a_partition_starts_anew_where_it_is_told(
    run: Command, database: Any, topic: str, to: str, expected: tuple[int, int]
) -> None:
    claim(database, topic)
    result = run("reset", topic, "--partition", "0", "--to", to, "--yes")
    assert result.exit_code == 0, result.exception
    assert shown(run) == {0: (*expected, 1, None), 1: (7, 7, 0, "w1")}


def test_all_partitions_start_anew_when_none_is_named(run: Command, database: Any, topic: str) -> None:
    claim(database, topic)
    assert run("reset", topic, "--to", "latest", "--yes").exit_code == 0
    assert shown(run) == {0: (3, 3, 1, None), 1: (0, 0, 1, None)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "4", "--partition", "0", "--yes"), "is not in the topic"),
        (("--to", "start", "--yes"), "--to start is not an offset"),
        (("--to", "latest", "--partition", "9", "--yes"), r"\[9\] does not exist"),
        (("--to", "latest"), "add --yes"),
    ],
)
def test_what_cannot_be_reset_is_said_and_nothing_changes(
    run: Command, database: Any, topic: str, arguments: tuple[str, ...], said: str
) -> None:
    claim(database, topic)
    with pytest.raises(ConfigurationError, match=said):
        raise run("reset", topic, *arguments).exception or AssertionError
    assert shown(run) == {0: (500, 510, 0, "w1"), 1: (7, 7, 0, "w1")}


def test_a_topic_that_does_not_exist_is_said(run: Command) -> None:
    with pytest.raises(ConfigurationError, match="no-such-topic does not exist"):
        raise run("reset", "no-such-topic", "--to", "latest", "--yes").exception or AssertionError


def test_a_group_with_a_worker_in_it_is_not_reset(run: Command, database: Any, brokers: str, topic: str) -> None:
    claim(database, topic)

    async def reset_beside_a_worker() -> Result:
        async with AIOKafkaConsumer(topic, bootstrap_servers=brokers, group_id="test-offsets") as consumer:
            async with asyncio.timeout(30):
                while not consumer.assignment():  # noqa: ASYNC110 -- the broker tells nobody
                    await asyncio.sleep(0.05)
            return await asyncio.to_thread(run, "reset", topic, "--to", "latest", "--yes")

    error = asyncio.run(reset_beside_a_worker()).exception
    assert isinstance(error, ConfigurationError)
    assert "stop them first" in str(error)
    assert shown(run)[0] == (500, 510, 0, "w1")
