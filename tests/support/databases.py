"""Databases for tests: each a copy of one migrated template, which takes less than a tenth of a second."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg

from connectors.timescale.migrate import migrate
from deploy.local.roles import EXTENSIONS
from deploy.local.stack import Stack


@dataclass(frozen=True)
class Database:
    """A database of its own: the three roles' addresses, passwords inside."""

    name: str
    owner_dsn: str
    worker_dsn: str
    reader_dsn: str

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query answers the owner; [] for a statement that answers nothing."""
        with psycopg.connect(self.owner_dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, query: str, *values: Any) -> Any:
        """The first column of the only row."""
        ((answer,),) = self.rows(query, *values)
        return answer

    def total(self, table: str, where: str = "true") -> int:
        """Rows of a table."""
        return int(self.value(f"SELECT count(*) FROM {table} WHERE {where}"))


class Databases:
    """Makes and drops databases on a stack's server; the template is made once, on first use."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._template: str | None = None

    def close(self) -> None:
        """Remove the template."""
        if self._template is not None:
            self._drop(self._template)
            self._template = None

    @contextmanager
    def empty(self) -> Iterator[Database]:
        """A database with the extension and nothing else."""
        with self._named(self._create_empty) as database:
            yield database

    @contextmanager
    def migrated(self) -> Iterator[Database]:
        """A database as `quaystream migrate` leaves it."""
        template = self._template = self._template or self._make_template()
        make = f"TEMPLATE {template} OWNER quaystream_owner STRATEGY WAL_LOG"
        with self._named(lambda name: self._superuser(f"CREATE DATABASE {name} {make}")) as database:
            yield database

    @contextmanager
    def _named(self, create: Callable[[str], None]) -> Iterator[Database]:
        name = f"test_{secrets.token_hex(4)}"
        create(name)
        try:
            yield self._database(name)
        finally:
            self._drop(name)

    def _make_template(self) -> str:
        name = f"template_{secrets.token_hex(4)}"
        self._create_empty(name)
        migrate(self._database(name).owner_dsn)
        # TimescaleDB's scheduler sits in every database it may enter, and a template must be empty of sessions.
        self._superuser(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        self._superuser(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
        return name

    def _create_empty(self, name: str) -> None:
        self._superuser(f"CREATE DATABASE {name} OWNER quaystream_owner")
        for extension in EXTENSIONS:
            self._superuser(f"CREATE EXTENSION {extension}", name)

    def _drop(self, name: str) -> None:
        self._superuser(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _superuser(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self._stack.superuser_url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _database(self, name: str) -> Database:
        status = self._stack.status()
        urls = (status.database_url, status.worker_url, status.reader_url)
        return Database(name, *(urlsplit(str(url))._replace(path=f"/{name}").geturl() for url in urls))
