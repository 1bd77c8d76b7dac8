"""Dead letters between the table and Kafka: relayed with their reason, replayed byte for byte, resumed partitions."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import psycopg
import pytest
import typer
from confluent_kafka.admin import NewTopic
from typer.testing import CliRunner, Result

from connectors.kafka.options import KafkaAccess
from connectors.kafka.producer import Publisher
from connectors.kafka.relay import BATCH_ROWS, DeadLetterRelay
from schemas.errors import CheckFailedError, ConfigurationError, ServiceUnreachableError
from streams.cli import dead_letters as command
from tests.support.broker import PARTITIONS, Broker
from tests.support.databases import Database

pytestmark = pytest.mark.timeout(120)

Headers = Sequence[tuple[str, bytes | None]]
AWKWARD: Headers = [("ce_id", b"1"), ("a", b"\xff\x00"), ("ce_id", b"2"), ("none", None), ("empty", b"")]


@dataclass(frozen=True)
class Refused:
    """A dead letter as the worker would have written it."""

    offset: int
    key: bytes | None = b"VNHPH-TANVU-STS03"
    value: bytes | None = b"\x00not JSON\xff"
    headers: Headers = ()
    reason: str = "undecodable"
    age: timedelta = timedelta(0)


@dataclass(frozen=True)
class Record:
    """What Kafka holds of a record, as a client that is not ours reads it."""

    key: bytes | None
    value: bytes | None
    headers: Headers

    def header(self, name: str) -> bytes | None:
        return dict(self.headers)[name]


class Outbox:
    """A topic of its own, its dead letters in a database of their own, and what is in Kafka."""

    def __init__(self, broker: Broker, database: Database) -> None:
        self.broker = broker
        self.access = KafkaAccess(broker.brokers)
        self.database = database
        self.topic = f"t{secrets.token_hex(4)}"
        self.letters_topic = f"{self.topic}-dead-letters"

    def refuse(self, *letters: Refused) -> None:
        rows = [
            (
                datetime.now(UTC) - letter.age,
                self.topic,
                letter.offset,
                letter.reason,
                letter.key,
                json.dumps([[name, None if v is None else base64.b64encode(v).decode()] for name, v in letter.headers]),
                letter.value,
            )
            for letter in letters
        ]
        with psycopg.connect(self.database.worker_dsn) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ingest.dead_letter"
                " (received_at, topic, partition, record_offset, reason, detail, key, headers, payload)"
                " VALUES (%s, %s, 1, %s, %s, 'because', %s, %s, %s)",
                rows,
            )

    async def relay(self) -> int:
        async with self.pool() as pool, Publisher(self.access, "zstd") as publisher:
            return await DeadLetterRelay(pool, publisher).run_once()

    @asynccontextmanager
    async def pool(self) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
        async with asyncpg.create_pool(self.database.worker_dsn, min_size=0, max_size=4) as pool:
            yield pool

    def relayed(self) -> list[Record]:
        return [Record(r.key(), r.value(), r.headers() or []) for r in self.broker.records(self.letters_topic)]

    def replayed(self) -> list[Record]:
        return [Record(r.key(), r.value(), r.headers() or []) for r in self.broker.records(self.topic)]


@pytest.fixture
def outbox(broker: Broker, database: Database) -> Iterator[Outbox]:
    outbox = Outbox(broker, database)
    names = [outbox.topic, outbox.letters_topic]
    config = {"max.message.bytes": "1000000"}
    for future in broker.admin.create_topics([NewTopic(name, PARTITIONS, 1, config=config) for name in names]).values():
        future.result(20)
    yield outbox
    broker.delete(*names)


@pytest.fixture
def settings(outbox: Outbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QUAYSTREAM_HOME", str(tmp_path))
    monkeypatch.setenv("QUAYSTREAM_BROKERS", outbox.access.brokers)
    monkeypatch.setenv("QUAYSTREAM_DATABASE_URL", outbox.database.worker_dsn)


async def run(*arguments: object) -> Result:
    app = typer.Typer()
    command.register(app)
    # The command makes its own event loop, so it needs a thread without one.
    return await asyncio.to_thread(CliRunner().invoke, app, ["dead-letters", *map(str, arguments)])


async def test_relayed_letter_is_the_original_with_its_reason(outbox: Outbox) -> None:
    outbox.refuse(Refused(7, headers=AWKWARD))
    assert await outbox.relay() == 1
    (record,) = outbox.relayed()
    why = [
        ("qs-reason", b"undecodable"),
        ("qs-topic", outbox.topic.encode()),
        ("qs-partition", b"1"),
        ("qs-offset", b"7"),
        ("qs-detail", b"because"),
    ]
    assert record == Record(b"VNHPH-TANVU-STS03", b"\x00not JSON\xff", [*AWKWARD, *why])


@pytest.mark.parametrize(("key", "value"), [(None, b"x"), (b"k", None), (None, None), (b"", b"")])
async def test_null_and_empty_stay_what_they_are(outbox: Outbox, key: bytes | None, value: bytes | None) -> None:
    outbox.refuse(Refused(1, key, value))
    await outbox.relay()
    (record,) = outbox.relayed()
    assert (record.key, record.value) == (key, value)


async def test_every_letter_is_relayed_once_the_oldest_first(outbox: Outbox) -> None:
    count = BATCH_ROWS + 3
    outbox.refuse(*(Refused(n, age=timedelta(seconds=count - n)) for n in range(count)))
    assert [await outbox.relay() for _ in range(3)] == [BATCH_ROWS, 3, 0]
    records = outbox.relayed()
    assert [record.header("qs-offset") for record in records] == [str(n).encode() for n in range(count)]
    assert outbox.database.rows("SELECT count(*) FROM ingest.dead_letter WHERE relayed_at IS NULL") == [(0,)]


async def test_two_relays_at_once_share_the_work(outbox: Outbox) -> None:
    outbox.refuse(*(Refused(n) for n in range(BATCH_ROWS * 2)))
    async with outbox.pool() as pool, Publisher(outbox.access) as publisher:
        counts = await asyncio.gather(*(DeadLetterRelay(pool, publisher).run_once() for _ in range(2)))
    assert counts == [BATCH_ROWS, BATCH_ROWS]
    offsets = {record.header("qs-offset") for record in outbox.relayed()}
    assert len(offsets) == BATCH_ROWS * 2


async def test_letter_that_was_not_acknowledged_stays_in_the_outbox(outbox: Outbox) -> None:
    class Deaf:
        async def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
            del topic, key, value, headers

        async def flush(self) -> None:
            raise ServiceUnreachableError("no broker")

    outbox.refuse(Refused(1))
    async with outbox.pool() as pool:
        with pytest.raises(ServiceUnreachableError):
            await DeadLetterRelay(pool, Deaf()).run_once()
    assert await outbox.relay() == 1


async def test_letter_larger_than_its_topic_takes_does_not_hold_up_the_others(outbox: Outbox) -> None:
    outbox.refuse(Refused(1), Refused(2, value=secrets.token_bytes(1_200_000), reason="too_large"), Refused(3))
    assert await outbox.relay() == 3
    relayed = {record.header("qs-offset"): record for record in outbox.relayed()}
    assert relayed.keys() == {b"1", b"2", b"3"}
    assert (relayed[b"2"].value, relayed[b"2"].header("qs-omitted")) == (None, b"value")
    assert relayed[b"3"].value == Refused(3).value
    assert await outbox.relay() == 0


async def test_a_batch_of_large_letters_is_cut(outbox: Outbox) -> None:
    outbox.refuse(*(Refused(n, value=bytes(6_000_000)) for n in range(4)))
    assert [await outbox.relay() for _ in range(3)] == [2, 2, 0]


@pytest.mark.usefixtures("settings")
async def test_replayed_record_is_identical_but_for_one_header(outbox: Outbox) -> None:
    outbox.refuse(Refused(7, headers=AWKWARD))
    result = await run("replay", outbox.topic, 1, 7)
    assert (result.exit_code, result.stdout) == (0, "Replayed 1.\n")
    (record,) = outbox.replayed()
    replay_of = ("qs-replay-of", f"{outbox.topic}/1/7".encode())
    assert record == Record(b"VNHPH-TANVU-STS03", b"\x00not JSON\xff", [*AWKWARD, replay_of])
    assert outbox.database.rows("SELECT replayed_at IS NOT NULL, relayed_at IS NULL FROM ingest.dead_letter") == [
        (True, True)
    ]


@pytest.mark.usefixtures("settings")
async def test_replay_takes_what_matches_in_its_old_order_and_only_once(outbox: Outbox) -> None:
    count = BATCH_ROWS + 3
    outbox.refuse(*(Refused(n, key=b"k", age=timedelta(seconds=n)) for n in range(count)))
    outbox.refuse(Refused(9_001, reason="too_old"), Refused(9_002, age=timedelta(days=3)))
    wish = ("replay", "--topic", outbox.topic, "--reason", "undecodable", "--since", "2d", "--yes")
    assert (await run(*wish)).stdout == f"Replayed {count}.\n"
    records = outbox.replayed()
    replayed = [record.header("qs-replay-of") for record in records]
    assert replayed == [f"{outbox.topic}/1/{n}".encode() for n in range(count)]
    assert (await run(*wish)).stdout == "Replayed 0.\n"


@pytest.mark.usefixtures("settings")
async def test_replay_of_many_asks_first(outbox: Outbox) -> None:
    outbox.refuse(Refused(1))
    result = await run("replay")
    assert isinstance(result.exception, ConfigurationError)
    assert "1 dead letters would be replayed and there is nobody to ask: add --yes" in str(result.exception)
    assert outbox.replayed() == []


@pytest.mark.usefixtures("settings")
async def test_replay_of_half_a_place_is_wrong_usage(outbox: Outbox) -> None:
    for wish in ((outbox.topic,), (outbox.topic, 1), (outbox.topic, 1, 2, "--reason", "too_old")):
        assert isinstance((await run("replay", *wish)).exception, ConfigurationError)


@pytest.mark.usefixtures("settings")
async def test_list_shows_the_newest_that_match(outbox: Outbox) -> None:
    outbox.refuse(*(Refused(n, age=timedelta(minutes=n)) for n in range(1, 4)), Refused(9, reason="too_old"))
    found = json.loads((await run("list", "--reason", "undecodable", "--limit", 2, "--json")).stdout)
    assert [(letter["offset"], letter["size_bytes"], letter["relayed_at"]) for letter in found] == [
        (1, 10, None),
        (2, 10, None),
    ]
    since = (datetime.now(UTC) - timedelta(minutes=2, seconds=30)).isoformat()
    assert "3 of 3 shown." in (await run("list", "--since", since)).stdout
    assert f"{outbox.topic}/1/9" in (await run("list", "--topic", outbox.topic)).stdout
    assert isinstance((await run("list", "--since", "yesterday")).exception, ConfigurationError)


@pytest.mark.usefixtures("settings")
async def test_show_gives_everything_and_nothing_that_steers_a_terminal(outbox: Outbox) -> None:
    outbox.refuse(Refused(7, value=b"\x1b[31m[/red]" + bytes(600), headers=[*AWKWARD, ("x", b"\x1b]0;")]))
    shown = (await run("show", outbox.topic, 1, 7)).stdout
    assert "\x1b" not in shown
    assert "value: 611 bytes, the first 512 shown" in shown
    assert "00000000  1b 5b 33 31 6d 5b 2f 72 65 64 5d" in shown
    answer = json.loads((await run("show", outbox.topic, 1, 7, "--json")).stdout)
    assert base64.b64decode(answer["value_base64"]) == b"\x1b[31m[/red]" + bytes(600)
    assert answer["headers_base64"][3] == ["none", None]
    assert (answer["reason"], answer["detail"]) == ("undecodable", "because")
    assert isinstance((await run("show", outbox.topic, 1, 8)).exception, CheckFailedError)


@pytest.mark.usefixtures("settings")
async def test_resume_lifts_the_pauses_that_are_meant(outbox: Outbox) -> None:
    with psycopg.connect(outbox.database.worker_dsn) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ingest.partition_pause (consumer_group, topic, partition) VALUES (%s, %s, %s)",
            [("quaystream", "a", 0), ("quaystream", "a", 1), ("quaystream", "b", 0), ("other", "a", 0)],
        )
    assert (await run("resume", "a", 1)).stdout == "a/1 goes on.\n"
    assert (await run("resume", "a")).stdout == "a/0 goes on.\n"
    assert (await run("resume")).stdout == "b/0 goes on.\n"
    assert (await run("resume")).stdout == "Nothing was paused.\n"
    paused = outbox.database.rows("SELECT consumer_group, topic FROM ingest.partition_pause WHERE resumed_at IS NULL")
    assert paused == [("other", "a")]
