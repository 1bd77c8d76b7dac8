"""`publish` and the publisher against a real broker: what a file becomes in Kafka, and what happens when it cannot."""

import asyncio
import json
import secrets
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic
from typer.testing import CliRunner, Result

from connectors.kafka import producer
from connectors.kafka.options import KafkaAccess
from connectors.kafka.producer import Publisher, RecordTooLargeError
from schemas.errors import CheckFailedError, ConfigurationError, ServiceUnreachableError
from streams.cli import publish as command
from tests.support.broker import Broker

pytestmark = pytest.mark.timeout(120)

TRACES = sorted((Path(__file__).parent.parent / "data" / "radio").glob("*.txt"))
ROWS = {
    "ARTERIAL_N78_V80_RUN01": 979,
    "ARTERIAL_N8_V50_RUN01": 1493,
    "S2W_N78_V50_RUN02": 317,
    "SOUTH_N8_V0_02": 481,
    "URBAN_N8_V0_RUN01": 1207,
}
PARTITIONS = 3


@pytest.fixture
def topic(broker: Broker) -> Iterator[str]:
    name = f"t{secrets.token_hex(4)}"
    new = NewTopic(name, PARTITIONS, 1, config={"max.message.bytes": "1000000"})
    broker.admin.create_topics([new])[name].result(20)
    yield name
    broker.delete(name)


@pytest.fixture(autouse=True)
def settings(broker: Broker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QUAYSTREAM_HOME", str(tmp_path))
    monkeypatch.setenv("QUAYSTREAM_BROKERS", broker.brokers)


async def run(*arguments: object) -> Result:
    app = typer.Typer()
    command.register(app)
    # The command makes its own event loop, so it needs a thread without one.
    return await asyncio.to_thread(CliRunner().invoke, app, [str(argument) for argument in arguments])


async def test_every_row_of_the_traces_arrives_in_order_under_its_asset(broker: Broker, topic: str) -> None:
    for trace in TRACES:
        assert (await run(trace, "--map", "cicv5g", "--topic", topic)).exit_code == 0
    found = broker.records(topic, PARTITIONS)
    assert Counter(record.key().decode().removeprefix("VNHPH-DEEPC2-") for record in found) == ROWS
    assert {tuple(record.headers()) for record in found} == {(("content-type", b"application/cloudevents+json"),)}
    for key in {record.key() for record in found}:
        events = [json.loads(record.value()) for record in found if record.key() == key]
        assert [int(event["sequence"]) for event in events] == list(range(1, len(events) + 1))
        assert {event["subject"].encode() for event in events} == {key}


async def test_file_published_twice_arrives_twice_with_the_same_bytes(broker: Broker, topic: str) -> None:
    for _ in range(2):
        assert (await run(TRACES[2], "--map", "cicv5g", "--topic", topic)).exit_code == 0
    values = Counter(record.value() for record in broker.records(topic, PARTITIONS))
    assert len(values) == ROWS["S2W_N78_V50_RUN02"]
    assert set(values.values()) == {2}


async def test_key_goes_where_kafkas_own_partitioner_puts_it(broker: Broker, topic: str) -> None:
    keys = [f"VNHPH-TANVU-STS{number:02}".encode() for number in range(20)]
    async with Publisher(KafkaAccess(broker.brokers)) as publisher:
        for key in keys:
            await publisher.send(topic, key, b"ours")
    foreign = Producer({"bootstrap.servers": broker.brokers, "partitioner": "murmur2_random"})
    for key in keys:
        foreign.produce(topic, b"theirs", key)
    assert foreign.flush(30) == 0
    found = broker.records(topic, PARTITIONS)
    ours, theirs = ({r.key(): r.partition() for r in found if r.value() == who} for who in (b"ours", b"theirs"))
    assert ours == theirs
    assert len(set(ours.values())) == PARTITIONS


async def test_refused_lines_do_not_keep_the_others_from_arriving(broker: Broker, topic: str, tmp_path: Path) -> None:
    lines = TRACES[4].read_text().splitlines()[:4]
    broken = tmp_path / "broken.txt"
    broken.write_text("\n".join([*lines[:2], "half a row", *lines[2:]]))
    result = await run(broken, "--map", "cicv5g", "--topic", topic)
    assert isinstance(result.exception, CheckFailedError)
    assert f"{broken}:3: 3 columns, expected 10 or 12 or 13" in result.stderr
    events = [json.loads(record.value()) for record in broker.records(topic, PARTITIONS)]
    assert [(event["id"].partition("-")[2], event["sequence"]) for event in events] == [
        ("2", "1"),
        ("4", "2"),
        ("5", "3"),
    ]


async def test_topic_that_does_not_exist_is_named(broker: Broker) -> None:
    result = await run(TRACES[2], "--map", "cicv5g", "--topic", "nowhere")
    assert isinstance(result.exception, ConfigurationError)
    assert str(result.exception).startswith(f"topic nowhere does not exist at {broker.brokers}")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that lets everybody connect and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.mark.parametrize("answer", ["closed", "silent"])
async def test_broker_that_does_not_answer_is_unreachable_in_bounded_time(
    answer: str, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "START_S", 1.0)
    port = silent_port if answer == "silent" else 1
    monkeypatch.setenv("QUAYSTREAM_BROKERS", f"127.0.0.1:{port}")
    started = asyncio.get_running_loop().time()
    result = await run(TRACES[2], "--map", "cicv5g")
    assert isinstance(result.exception, ServiceUnreachableError)
    assert f"127.0.0.1:{port}" in str(result.exception)
    assert asyncio.get_running_loop().time() - started < 20


async def test_publisher_goes_on_after_a_record_that_is_too_large(broker: Broker, topic: str) -> None:
    async with Publisher(KafkaAccess(broker.brokers)) as publisher:
        await publisher.send(topic, b"k", secrets.token_bytes(1_200_000))
        with pytest.raises(RecordTooLargeError):
            await publisher.flush()
        await publisher.send(topic, b"k", b"small")
        await publisher.flush()
        assert publisher.acknowledged == 1
    assert [record.value() for record in broker.records(topic, PARTITIONS)] == [b"small"]


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
async def test_every_record_is_acknowledged_when_the_publisher_closes(
    broker: Broker, topic: str, compression: str
) -> None:
    async with Publisher(KafkaAccess(broker.brokers), compression) as publisher:  # type: ignore[arg-type]
        for number in range(5_000):
            await publisher.send(topic, str(number % 7).encode(), str(number).encode())
    assert publisher.acknowledged == 5_000
    found = broker.records(topic, PARTITIONS)
    assert sorted(int(record.value()) for record in found) == list(range(5_000))
    for key in range(7):
        numbers = [int(record.value()) for record in found if record.key() == str(key).encode()]
        assert numbers == sorted(numbers)
