"""`topics apply` and `topics show` against a real broker, with topics of their own names."""

import asyncio
import json
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
import typer
from typer.testing import CliRunner, Result

import schemas.topics
from connectors.kafka.options import KafkaAccess
from connectors.kafka.producer import Publisher
from connectors.kafka.topics import Mend, compare, topic_admin
from schemas.errors import CheckFailedError, ConfigurationError, ServiceUnreachableError
from schemas.topics import Topic
from streams.cli import topics as command
from tests.support.broker import Broker
from tests.support.databases import Database
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)


class Declared:
    """Two topics nobody else has, as the declarations the command reads; `change` alters one of them."""

    def __init__(self) -> None:
        self.events, self.letters = f"t{secrets.token_hex(4)}-events", f"t{secrets.token_hex(4)}-dead-letters"
        real = schemas.topics.load_topics()
        shape = {"partitions": 2}
        self.topics = {
            self.events: real["cell-events"].model_copy(update=shape | {"name": self.events}),
            self.letters: real["cell-events-dead-letters"].model_copy(update=shape | {"name": self.letters}),
        }

    def load(self) -> Mapping[str, Topic]:
        return self.topics

    def change(self, name: str, **changes: object) -> None:
        self.topics[name] = self.topics[name].model_copy(update=changes)


@pytest.fixture
def declared(broker: Broker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Declared]:
    declared = Declared()
    monkeypatch.setattr("schemas.topics.load_topics", declared.load)
    monkeypatch.setenv("QUAYSTREAM_HOME", str(tmp_path))
    monkeypatch.setenv("QUAYSTREAM_BROKERS", broker.brokers)
    yield declared
    broker.delete(*(name for name in declared.topics if name in broker.partitions()))


def run(*arguments: str) -> Result:
    app = typer.Typer()
    command.register(app)
    return CliRunner().invoke(app, ["topics", *arguments])


def shown() -> dict[str, dict[str, object]]:
    return {topic["topic"]: topic for topic in json.loads(run("show", "--json").stdout)}


def test_missing_topics_are_created_as_declared(declared: Declared) -> None:
    assert run("apply").exit_code == 0
    topic = shown()[declared.events]
    assert (topic["exists"], topic["partitions"], topic["differences"]) == (True, 2, [])
    assert topic["config"] == dict(declared.topics[declared.events].config)
    assert "as declared" in run("show").stdout


def test_second_apply_finds_nothing_to_do(declared: Declared) -> None:
    run("apply")
    result = run("apply")
    assert result.exit_code == 0
    assert "All 2 topics are as declared." in result.stdout


def test_dry_run_changes_nothing(declared: Declared) -> None:
    assert f"{declared.events}: would be created, 2 partitions" in run("apply", "--dry-run").stdout
    assert not shown()[declared.events]["exists"]


def test_fewer_brokers_than_copies_is_said(declared: Declared) -> None:
    assert "Copies: 1 of each topic instead of the declared 3" in run("apply").stdout
    assert shown()[declared.events]["replication"] == 1


def test_difference_is_printed_and_left_alone_without_alter(declared: Declared) -> None:
    run("apply")
    before = declared.topics[declared.events].config
    declared.change(declared.events, config={**before, "retention.ms": "3600000"})
    result = run("apply")
    assert isinstance(result.exception, CheckFailedError)
    assert f"{declared.events}: retention.ms is {before['retention.ms']}, declared 3600000" in result.stdout
    assert isinstance(run("apply", "--alter", "--dry-run").exception, CheckFailedError)
    config = shown()[declared.events]["config"]
    assert isinstance(config, dict)
    assert config["retention.ms"] == before["retention.ms"]


def test_alter_sets_what_differs_and_keeps_what_others_set(declared: Declared, broker: Broker) -> None:
    declared.change(declared.events, config={**declared.topics[declared.events].config, "segment.ms": "7200000"})
    run("apply")
    config = dict(declared.topics[declared.events].config)
    del config["segment.ms"]
    declared.change(declared.events, config={**config, "retention.ms": "3600000"})
    assert run("apply", "--alter").exit_code == 0
    # A broker shows it a moment after its controller has taken it.
    wait_until(lambda: shown()[declared.events]["differences"] == [], 20, "the topic is as declared")
    assert asyncio.run(config_of(broker.brokers, declared.events))["segment.ms"] == "7200000"


async def config_of(brokers: str, name: str) -> Mapping[str, str]:
    async with topic_admin(KafkaAccess(brokers)) as admin:
        return (await admin.read([name])).topics[name].config


def test_partitions_are_added_only_to_a_drained_topic(
    declared: Declared, broker: Broker, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUAYSTREAM_DATABASE_URL", database.worker_dsn)
    run("apply", "--partitions", f"{declared.events}=1")
    asyncio.run(send(broker.brokers, declared.events))
    refused = run("apply", "--alter")
    assert isinstance(refused.exception, CheckFailedError), refused.stdout
    assert "no partitions added, 3 records are still to be read" in refused.stdout
    assert shown()[declared.events]["partitions"] == 1
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute(
            "INSERT INTO ingest.partition_offset (consumer_group, topic, partition, first_offset, next_offset)"
            " VALUES ('quaystream', %s, 0, 0, 3)",
            [declared.events],
        )
    assert run("apply", "--alter").exit_code == 0
    assert shown()[declared.events]["partitions"] == 2


async def send(brokers: str, topic: str) -> None:
    async with Publisher(KafkaAccess(brokers)) as publisher:
        for number in range(3):
            await publisher.send(topic, b"k", str(number).encode())


def test_fewer_partitions_are_refused_even_with_alter(declared: Declared) -> None:
    run("apply")
    declared.change(declared.letters, partitions=1)
    result = run("apply", "--alter")
    assert isinstance(result.exception, CheckFailedError)
    assert f"{declared.letters}: partitions cannot be changed from here" in result.stdout


def test_copies_on_a_broker_that_is_away_are_no_difference(declared: Declared, broker: Broker) -> None:
    async def plan(replication: int) -> list[Mend]:
        declared.change(declared.events, replication=replication)
        async with topic_admin(KafkaAccess(broker.brokers)) as admin:
            cluster = await admin.read([declared.events])
        return [difference.mend for difference in compare([declared.topics[declared.events]], cluster).differences]

    run("apply")
    assert asyncio.run(plan(3)) == []


def test_config_that_the_broker_refuses_is_told(declared: Declared) -> None:
    declared.change(declared.events, config={"cleanup.policy": "shred"})
    result = run("apply")
    assert isinstance(result.exception, ConfigurationError)
    assert f"the broker refused to create topic {declared.events}" in str(result.exception)


@pytest.mark.parametrize("wish", ["nope=3", "=3", "{events}=0", "{events}=many", "{events}"])
def test_unclear_partitions_are_wrong_usage(declared: Declared, wish: str) -> None:
    result = run("apply", "--partitions", wish.format(events=declared.events))
    assert isinstance(result.exception, ConfigurationError)


def test_broker_that_is_away_is_unreachable(declared: Declared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUAYSTREAM_BROKERS", "127.0.0.1:1")
    result = run("show")
    assert isinstance(result.exception, ServiceUnreachableError)
    assert "127.0.0.1:1" in str(result.exception)
    assert declared.topics
