"""A running stack and fresh databases for integration tests, from the status that QUAYSTREAM_TEST_STATUS names."""

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from connectors.timescale.migrate import migrate


@dataclass(frozen=True)
class Database:
    """A database of its own: the three roles' addresses."""

    owner_dsn: str
    worker_dsn: str
    reader_dsn: str


@pytest.fixture(scope="session")
def status() -> dict[str, str]:
    return dict(json.loads(Path(os.environ["QUAYSTREAM_TEST_STATUS"]).read_text()))


@pytest.fixture
def empty_database(status: dict[str, str]) -> Iterator[Database]:
    """Not migrated."""
    secret = (Path(os.environ["QUAYSTREAM_TEST_STATUS"]).parent / "secrets" / "superuser").read_text().strip()
    name = f"test_{secrets.token_hex(4)}"
    server = urlsplit(status["database_url"])
    superuser = server._replace(netloc=f"postgres:{quote(secret, safe='')}@{server.hostname}:{server.port}")
    with psycopg.connect(superuser.geturl(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER quaystream_owner")  # type: ignore[arg-type]
        with psycopg.connect(superuser._replace(path=f"/{name}").geturl(), autocommit=True) as inside:
            inside.execute("CREATE EXTENSION timescaledb")
        urls = (status[key] for key in ("database_url", "worker_url", "reader_url"))
        yield Database(*(urlsplit(url)._replace(path=f"/{name}").geturl() for url in urls))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture
def database(empty_database: Database) -> Database:
    """Migrated."""
    migrate(empty_database.owner_dsn)
    return empty_database
