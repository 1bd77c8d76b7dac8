"""Asks the dashboards' queries for real, and measures what they cost: rows returned, rows read by table, seconds."""

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg

from deploy.monitoring.dashboards import expand
from deploy.monitoring.dashboards.expand import Chosen
from deploy.monitoring.dashboards.saved import Json, variables

STEPS = 200
# What PostgreSQL has counted in this session: of every table and chunk, whatever function touched it.
_READ = """
SELECT schemaname || '.' || relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
FROM pg_stat_xact_user_tables
WHERE schemaname IN ('port', 'ingest', 'kpi', '_timescaledb_internal')
"""
_CHUNKS = """
SELECT chunk_schema || '.' || chunk_name, hypertable_schema || '.' || hypertable_name FROM timescaledb_information.chunks
"""


@dataclass(frozen=True)
class Answer:
    """What came back and what it took. `read` has rows read by table, chunks under their hypertable's name."""

    rows: Sequence[Sequence[Any]]
    columns: Sequence[str]
    read: Mapping[str, int]
    seconds: float


class Reader:
    """The database as a dashboard sees it: the reader's role, one transaction a question, nothing in parallel."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn)

    def ask(self, query: str) -> Answer:
        """Run a query; raises psycopg.Error where it cannot be run."""
        with self._connection.transaction():
            # Rows that parallel workers read are counted elsewhere.
            self._connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
            before = self._counts()
            started = time.perf_counter()
            cursor = self._connection.execute(query.encode())
            rows = cursor.fetchall()
            seconds = time.perf_counter() - started
            columns = [column.name for column in cursor.description or ()]
            counted = {name: total - before.get(name, 0) for name, total in self._counts().items()}
            owners: dict[str, str] = dict(self._connection.execute(_CHUNKS.encode()).fetchall())
        return Answer(rows, columns, _by_table(counted, owners), seconds)

    def _counts(self) -> dict[str, int]:
        """What this session has read and not reported yet: more than this transaction alone."""
        return dict(self._connection.execute(_READ.encode()).fetchall())

    def close(self) -> None:
        self._connection.close()


def _by_table(counted: Mapping[str, int], owners: Mapping[str, str]) -> dict[str, int]:
    read: dict[str, int] = {}
    for name, rows in counted.items():
        if rows:
            owner = owners.get(name, name)
            read[owner] = read.get(owner, 0) + rows
    return read


def choose(
    board: Json, reader: Reader, since: datetime, until: datetime, firsts: Mapping[str, str] | None = None
) -> Chosen:
    """What a reader sees who opens a board: all of what can be all, else the first, or what `firsts` names."""
    values: dict[str, Sequence[str]] = {}
    for variable in variables(board):
        if variable["type"] != "query":
            continue
        found = reader.ask(expand.sql(variable["query"], Chosen(since, until, values))).rows
        listed = [str(row[0]) for row in found]
        first = (firsts or {}).get(variable["name"], listed[0] if listed else "")
        values[variable["name"]] = listed if variable.get("includeAll") else [first]
    return Chosen(since, until, values)


def ask_prometheus(address: str, query: str, chosen: Chosen, *, instant: bool) -> list[Json]:
    """The series a query answers; raises ValueError with Prometheus' words where it cannot be answered."""
    asked = f"query={quote(query)}"
    if instant:
        path = f"/api/v1/query?{asked}&time={chosen.until.timestamp()}"
    else:
        step = max(5, chosen.range_s // STEPS)
        path = (
            f"/api/v1/query_range?{asked}&start={chosen.since.timestamp()}&end={chosen.until.timestamp()}&step={step}"
        )
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        connection.request("GET", path)
        answer = json.load(connection.getresponse())
    finally:
        connection.close()
    if answer["status"] != "success":
        raise ValueError(f"{answer['error']}: {query}")
    return list(answer["data"]["result"])


def now() -> datetime:
    return datetime.now(UTC)
