"""What the boards cost on a large installation: `python -m deploy.monitoring.dashboards.large [--sites N] [--days N]`.

Fills a database of its own on the local stack that is up (large.sql), asks every SQL question of every board over all
days, prints a table in Markdown, and removes the database. Takes minutes and gigabytes; a benchmark, not a test.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from connectors.timescale.migrate import migrate
from deploy.local.roles import EXTENSIONS
from deploy.local.stack import Stack
from deploy.monitoring.dashboards import expand
from deploy.monitoring.dashboards.expand import Chosen
from deploy.monitoring.dashboards.measure import Answer, Reader, choose, now
from deploy.monitoring.dashboards.saved import Question, boards, questions

NAME = "quaystream_large"
# Boards of machines show one site at first.
FIRST = "VNHPH-SITEA"
FILL = Path(__file__).with_suffix(".sql")
# What the reader's role allows a statement.
PATIENCE = "60s"
Line = tuple[Question, Answer | str]


def main() -> int:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(prog="python -m deploy.monitoring.dashboards.large", description=__doc__)
    parser.add_argument("--sites", type=int, default=22, help="26 at most")
    parser.add_argument("--days", type=int, default=30)
    asked = parser.parse_args()
    until = now().replace(minute=0, second=0, microsecond=0)
    with _database(Stack(_home())) as (owner, reader):
        _say(f"filling {asked.sites} sites and {asked.days} days")
        took = _fill(owner, asked.sites, asked.days, until)
        _say(f"filled in {took:.0f} s; asking")
        sys.stdout.writelines(f"{line}\n" for line in _table(list(_ask(reader, until, asked.days))))
    return 0


def _home() -> Path:
    from streams.settings import load_settings

    return load_settings().home


@contextmanager
def _database(stack: Stack) -> Iterator[tuple[str, str]]:
    """A migrated database's addresses for the owner and the reader; gone afterwards."""
    status = stack.status()
    owner, reader = (
        urlsplit(str(url))._replace(path=f"/{NAME}").geturl() for url in (status.database_url, status.reader_url)
    )
    name = sql.Identifier(NAME)
    with psycopg.connect(stack.superuser_url("postgres"), autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        server.execute(sql.SQL("CREATE DATABASE {} OWNER quaystream_owner").format(name))
        try:
            with psycopg.connect(stack.superuser_url(NAME), autocommit=True) as inside:
                for extension in EXTENSIONS:
                    inside.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(extension)))
            migrate(owner)
            yield owner, reader
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _fill(owner: str, sites: int, days: int, until: datetime) -> float:
    started = time.monotonic()
    values = {"sites": sites, "days": days, "until": until}
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        for statement in FILL.read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                # Values are bound on this side: what makes a table is no query with parameters.
                psycopg.ClientCursor(connection).execute(statement.encode(), values)
        connection.execute("VACUUM ANALYZE")
    return time.monotonic() - started


def _ask(dsn: str, until: datetime, days: int) -> Iterator[Line]:
    """Every question twice, the second time counted: boards are looked at again and again."""
    reader = Reader(dsn)
    since = until - timedelta(days=days)
    for board in boards().values():
        chosen = choose(board, reader, since, until, {"site": FIRST})
        for question in questions(board):
            if question.language == "sql":
                yield question, _answer(reader, question, chosen)
    reader.close()


def _answer(reader: Reader, question: Question, chosen: Chosen) -> Answer | str:
    query = expand.sql(question.text, chosen)
    try:
        reader.ask(query)
        return reader.ask(query)
    except psycopg.errors.QueryCanceled:
        return f"over {PATIENCE}"


def _table(lines: Sequence[Line]) -> Iterator[str]:
    yield "| board: panel | ms | rows read | of | rows shown |"
    yield "| --- | ---: | ---: | --- | ---: |"
    for question, answer in lines:
        name = question.name.removeprefix("quaystream-").removesuffix(" [A]")
        if isinstance(answer, str):
            yield f"| {name} | {answer} |  |  |  |"
        else:
            tables = sorted(answer.read, key=lambda table: -answer.read[table])
            read = ", ".join(f"`{table}`" for table in tables if answer.read[table] * 100 >= sum(answer.read.values()))
            yield f"| {name} | {1_000 * answer.seconds:,.0f} | {sum(answer.read.values()):,} | {read} | {len(answer.rows):,} |"


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


if __name__ == "__main__":
    sys.exit(main())
