"""`publish` and the publisher against a real broker: what a file becomes in Kafka, and what happens when it cannot."""

import asyncio
import json
import secrets
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import typer
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]
from confluent_kafka import Producer
from typer.testing import CliRunner, Result

from connectors.kafka import producer
from connectors.kafka.options import KafkaAccess
from connectors.kafka.producer import Publisher, RecordTooLargeError
from schemas.errors import CheckFailedError, ConfigurationError, ServiceUnreachableError
from streams.cli import publish as command

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


@pytest_asyncio.fixture
async def topic(status: dict[str, str]) -> AsyncIterator[str]:
    name = f"t{secrets.token_hex(4)}"
    client = AIOKafkaAdminClient(bootstrap_servers=status["brokers"])
    await client.start()
    await client.create_topics([NewTopic(name, PARTITIONS, 1, topic_configs={"max.message.bytes": "1000000"})])
    yield name
    await client.delete_topics([name])
    await client.close()


@pytest.fixture(autouse=True)
def environment(status: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QUAYSTREAM_HOME", str(tmp_path))
    monkeypatch.setenv("QUAYSTREAM_BROKERS", status["brokers"])


async def run(*arguments: object) -> Result:
    app = typer.Typer()
    command.register(app)
    # The command makes its own event loop, so it needs a thread without one.
    return await asyncio.to_thread(CliRunner().invoke, app, [str(argument) for argument in arguments])


async def records(brokers: str, topic: str) -> list[ConsumerRecord]:
    """Everything in the topic, by partition and offset."""
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: list[ConsumerRecord] = []
        while len(found) < sum(ends.values()):
            for fetched in (await consumer.getmany(timeout_ms=1000)).values():
                found.extend(fetched)
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        await consumer.stop()


@pytest.mark.asyncio
async def test_every_row_of_the_traces_arrives_in_order_under_its_asset(status: dict[str, str], topic: str) -> None:
    for trace in TRACES:
        assert (await run(trace, "--map", "cicv5g", "--topic", topic)).exit_code == 0
    found = await records(status["brokers"], topic)
    assert Counter(record.key.decode().removeprefix("VNHPH-DEEPC2-") for record in found) == ROWS
    assert {tuple(record.headers) for record in found} == {(("content-type", b"application/cloudevents+json"),)}
    for key in {record.key for record in found}:
        events = [json.loads(record.value) for record in found if record.key == key]
        assert [int(event["sequence"]) for event in events] == list(range(1, len(events) + 1))
        assert {event["subject"].encode() for event in events} == {key}


@pytest.mark.asyncio
async def test_file_published_twice_arrives_twice_with_the_same_bytes(status: dict[str, str], topic: str) -> None:
    for _ in range(2):
        await run(TRACES[2], "--map", "cicv5g", "--topic", topic)
    values = Counter(record.value for record in await records(status["brokers"], topic))
    assert len(values) == ROWS["S2W_N78_V50_RUN02"]
    assert set(values.values()) == {2}


@pytest.mark.asyncio
async def test_key_goes_where_kafkas_own_partitioner_puts_it(status: dict[str, str], topic: str) -> None:
    keys = [f"VNHPH-TANVU-STS{number:02}".encode() for number in range(20)]
    async with Publisher(KafkaAccess(status["brokers"])) as publisher:
        for key in keys:
            await publisher.send(topic, key, b"ours")
    foreign = Producer({"bootstrap.servers": status["brokers"], "partitioner": "murmur2_random"})
    for key in keys:
        foreign.produce(topic, b"theirs", key)
    assert foreign.flush(30) == 0
    found = await records(status["brokers"], topic)
    ours, theirs = ({r.key: r.partition for r in found if r.value == who} for who in (b"ours", b"theirs"))
    assert ours == theirs
    assert len(set(ours.values())) == PARTITIONS


@pytest.mark.asyncio
async def test_refused_lines_do_not_keep_the_others_from_arriving(
    status: dict[str, str], topic: str, tmp_path: Path
) -> None:
    lines = TRACES[4].read_text().splitlines()[:4]
    broken = tmp_path / "broken.txt"
    broken.write_text("\n".join([*lines[:2], "half a row", *lines[2:]]))
    result = await run(broken, "--map", "cicv5g", "--topic", topic)
    assert isinstance(result.exception, CheckFailedError)
    assert f"{broken}:3: 3 columns, expected 10 or 12 or 13" in result.stderr
    events = [json.loads(record.value) for record in await records(status["brokers"], topic)]
    assert [(event["id"].partition("-")[2], event["sequence"]) for event in events] == [("2", "1"), ("4", "2"), ("5", "3")]


@pytest.mark.asyncio
async def test_topic_that_does_not_exist_is_named(status: dict[str, str]) -> None:
    result = await run(TRACES[2], "--map", "cicv5g", "--topic", "nowhere")
    assert isinstance(result.exception, ConfigurationError)
    assert str(result.exception).startswith(f"topic nowhere does not exist at {status['brokers']}")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that lets everybody connect and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.mark.asyncio
@pytest.mark.parametrize("broker", ["closed", "silent"])
async def test_broker_that_does_not_answer_is_unreachable_in_bounded_time(
    broker: str, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "START_S", 1.0)
    port = silent_port if broker == "silent" else 1
    monkeypatch.setenv("QUAYSTREAM_BROKERS", f"127.0.0.1:{port}")
    started = asyncio.get_running_loop().time()
    result = await run(TRACES[2], "--map", "cicv5g")
    assert isinstance(result.exception, ServiceUnreachableError)
    assert f"127.0.0.1:{port}" in str(result.exception)
    assert asyncio.get_running_loop().time() - started < 20


@pytest.mark.asyncio
async def test_publisher_goes_on_after_a_record_that_is_too_large(status: dict[str, str], topic: str) -> None:
    async with Publisher(KafkaAccess(status["brokers"])) as publisher:
        await publisher.send(topic, b"k", secrets.token_bytes(1_200_000))
        with pytest.raises(RecordTooLargeError):
            await publisher.flush()
        await publisher.send(topic, b"k", b"small")
        await publisher.flush()
        assert publisher.acknowledged == 1
    assert [record.value for record in await records(status["brokers"], topic)] == [b"small"]


@pytest.mark.asyncio
@pytest.mark.parametrize("compression", ["lz4", "zstd"])
async def test_every_record_is_acknowledged_when_the_publisher_closes(
    status: dict[str, str], topic: str, compression: str
) -> None:
    async with Publisher(KafkaAccess(status["brokers"]), compression) as publisher:  # type: ignore[arg-type]
        for number in range(5_000):
            await publisher.send(topic, str(number % 7).encode(), str(number).encode())
    assert publisher.acknowledged == 5_000
    found = await records(status["brokers"], topic)
    assert sorted(int(record.value) for record in found) == list(range(5_000))
    for key in range(7):
        numbers = [int(record.value) for record in found if record.key == str(key).encode()]
        assert numbers == sorted(numbers)
