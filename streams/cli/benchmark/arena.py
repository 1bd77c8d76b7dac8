"""Where contestants meet: a Kafka and a TimescaleDB of the benchmark's own, emptied before each run.

Nothing of the user's stack is touched: other ports, other data, another folder.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from connectors.kafka.options import KafkaAccess, client_options
from connectors.kafka.topics import topic_admin
from connectors.timescale.connection import connection_to
from connectors.timescale.migrate import migrate
from deploy.local import Stack
from deploy.local.home import Home
from deploy.local.part import Step
from deploy.local.removal import contents, remove
from schemas.topics import Topic, load_topics
from streams.cli.benchmark import workload
from streams.cli.benchmark.shape import PEERS

PARTS = ("kafka", "timescaledb")
VISIBLE_S = 15.0
POLL_S = 0.05
TOPIC = workload.TOPIC
GROUP = "quaystream"
TUNING = ("QUAYSTREAM_BATCH_ROWS", "QUAYSTREAM_LINGER_MS")
"""Settings a benchmark may be run under; every other one would point the worker elsewhere."""
_KEPT = ("site", "asset", "onboarded", "gateway", "raw_table", "schema_change")
_TABLES = """
SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables
WHERE schemaname IN ('port', 'ingest') AND tablename <> ALL($1::text[])
"""
_PEERS = (
    f"DROP SCHEMA IF EXISTS {PEERS} CASCADE",
    f"CREATE SCHEMA {PEERS} AUTHORIZATION quaystream_worker",
    # Whoever watches and judges may read what peers made.
    "GRANT quaystream_worker TO quaystream_owner",
    # One peer says CREATE SCHEMA IF NOT EXISTS, for which the server wants this even when it exists.
    "GRANT CREATE ON DATABASE quaystream TO quaystream_worker",
    "CHECKPOINT",
)
_FENCE = """
INSERT INTO ingest.partition_offset (consumer_group, topic, partition, first_offset, next_offset)
SELECT $1, $2, partition, start, start FROM unnest($3::int[], $4::bigint[]) AS v(partition, start)
"""


@dataclass(frozen=True)
class Arena:
    """The stack in `home`; `up` before anything else."""

    home: Path

    @property
    def stack(self) -> Stack:
        return Stack(self.home)

    @property
    def access(self) -> KafkaAccess:
        return KafkaAccess(self.brokers)

    @property
    def brokers(self) -> str:
        return self.stack.status().brokers or ""

    @property
    def worker_url(self) -> str:
        """The role every contestant writes with."""
        return self.stack.status().worker_url or ""

    @property
    def owner_url(self) -> str:
        return self.stack.status().database_url or ""

    def pid(self, part: str) -> int:
        """A part's process."""
        return self.stack.pid(part) or 0

    def log(self, name: str) -> Path:
        """Where a program may leave what it says."""
        return Home(self.home).log(name)

    def up(self, step: Step) -> None:
        """Start from nothing: what an interrupted run left is removed."""
        self.end()
        self.stack.up(PARTS, step)
        migrate(self.owner_url)

    def end(self) -> None:
        """Stop everything and remove the data."""
        if self.home.exists():
            self.stack.down()
            remove(contents(Home(self.home)))

    async def make_topics(self) -> None:
        """The declared topics, as `topics apply` makes them."""
        await self._make(load_topics().values())

    async def renew_topics(self, partitions: int) -> None:
        """Nothing but the declared topics, all empty, `crane-events` with so many partitions."""
        admin = AIOKafkaAdminClient(**client_options(self.access))
        await admin.start()
        try:
            old = [name for name in await admin.list_topics() if not name.startswith("__")]
            if old:
                await admin.delete_topics(old)
            async with asyncio.timeout(VISIBLE_S):
                while set(old) & set(await admin.list_topics()):  # noqa: ASYNC110  (only asking again tells)
                    await asyncio.sleep(POLL_S)
        finally:
            await admin.close()
        declared = load_topics()
        await self._make({**declared, TOPIC: declared[TOPIC].model_copy(update={"partitions": partitions})}.values())

    async def make_topic(self, name: str) -> None:
        """A topic made as `crane-events` is, under another name."""
        await self._make([load_topics()[TOPIC].model_copy(update={"name": name})])

    async def _make(self, topics: Iterable[Topic]) -> None:
        """Returns when the broker shows them: its answer comes before clients see what it made."""
        names = [topic.name for topic in topics]
        async with topic_admin(self.access) as admin, asyncio.timeout(VISIBLE_S):
            await admin.create(topics, 1)
            while len((await admin.read(names)).topics) < len(names):  # noqa: ASYNC110  (only asking again tells)
                await asyncio.sleep(POLL_S)

    async def clear(self) -> None:
        """Empty every table, remove the peers', and write out what is dirty, so that no run pays for another."""
        async with self.connection() as connection:
            tables = await connection.fetchval(_TABLES, list(_KEPT))
            await connection.execute(f"TRUNCATE {tables}")
            await connection.execute("DELETE FROM port.asset WHERE NOT declared")
        async with connection_to(self.stack.superuser_url()) as superuser:
            for statement in _PEERS:
                await superuser.execute(statement)

    async def fence_at(self, heads: Mapping[int, int]) -> None:
        """Have the worker start `crane-events` at these offsets instead of the topic's beginning."""
        async with self.connection() as connection:
            await connection.execute(_FENCE, GROUP, TOPIC, list(heads), list(heads.values()))

    async def as_worker(self, statements: Sequence[str]) -> None:
        """Run statements as the role that contestants write with."""
        async with connection_to(self.worker_url) as connection:
            for statement in statements:
                await connection.execute(statement)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """As the owner, who may read and truncate."""
        async with connection_to(self.owner_url) as connection:
            yield connection

    def environment(self) -> dict[str, str]:
        """For `quaystream` commands: this stack, and nothing of the user's settings but the tuning."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("QUAYSTREAM_") or k in TUNING}
        return {**kept, "QUAYSTREAM_HOME": str(self.home)}
