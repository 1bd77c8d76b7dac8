"""Every query of the guide and of the runbooks runs, as the reader, on a migrated database."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.databases import Databases
from tests.support.documents import ROOT, Document

HOW_TO = ("read-the-data", "5g-alarms-and-sla")
GUIDES = [*(ROOT / f"docs/how-to/{name}.md" for name in HOW_TO), *sorted((ROOT / "docs/runbooks").glob("*.md"))]
QUERIES = [query for guide in GUIDES for query in Document(guide).blocks("sql")]


@pytest.fixture(scope="module")
def reader(databases: Databases) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """One migrated database for all queries."""
    with databases.migrated() as database, psycopg.connect(database.reader_dsn, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: str(query.split("FROM ")[1].split()[0]))
def test_query_of_the_guide_runs_for_the_reader(reader: psycopg.Connection[tuple[Any, ...]], query: str) -> None:
    assert reader.execute(query.encode()).description
