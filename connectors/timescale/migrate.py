"""Brings a database to the current schema: forward only, as the owner, one migration at a time.

The SQL is in `migrations/`: `core` runs everywhere, `timescale` only where the server has the
Timescale-licensed edition (found again on every run, so a change of edition is picked up later).
"""

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
import yoyo
from yoyo.backends import DatabaseBackend
from yoyo.migrations import MigrationList

from connectors.timescale.connection import probe
from connectors.timescale.definitions import apply_definitions
from connectors.timescale.reference import apply_reference
from connectors.timescale.schema_changes import MIGRATIONS, record
from connectors.timescale.sla_profiles import apply_profiles
from schemas.errors import ConfigurationError

OWNER = "quaystream_owner"
ROLES = (OWNER, "quaystream_worker", "quaystream_reader")
# An arbitrary constant: the advisory lock two concurrent migrations meet at.
LOCK_KEY = 0x7175_6179

Connection = psycopg.Connection[tuple[Any, ...]]


def migrate(owner_dsn: str) -> list[str]:
    """Apply what is missing, the declared reference data, KPI definitions and SLA profiles; answers the ids applied now, in order.

    Blocks while another migration runs. Raises ConfigurationError (roles, extension, password) and
    ServiceUnreachableError.
    """
    probe(owner_dsn)
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        _check_ready(connection)
        with _alone(connection):
            migrations = read_migrations(edition(connection))
            applied = _apply(owner_dsn, migrations)
        with connection.transaction():
            record(connection, [migration.id for migration in migrations])
            apply_reference(connection)
            apply_definitions(connection)
            apply_profiles(connection)
    return applied


def edition(connection: Connection) -> str:
    """`timescale` (community licence: compression, continuous aggregates, jobs) or `apache`."""
    row = connection.execute("SHOW timescaledb.license").fetchone()
    return str(row[0]) if row else "apache"


def read_migrations(edition_name: str) -> MigrationList:
    """The migrations of an edition, core first."""
    sources = [MIGRATIONS / "core"]
    if edition_name == "timescale":
        sources.append(MIGRATIONS / "timescale")
    return yoyo.read_migrations(*map(str, sources))


def _apply(owner_dsn: str, migrations: MigrationList) -> list[str]:
    with yoyo.get_backend(_yoyo_address(owner_dsn)) as backend:
        # A killed migration leaves yoyo's lock row behind; whoever holds the advisory lock knows it is stale.
        backend.break_lock()
        with backend.lock():
            pending = backend.to_apply(migrations)
            applied = [migration.id for migration in pending]
            _apply_each(backend, pending)
    return applied


def _apply_each(backend: DatabaseBackend, pending: MigrationList) -> None:
    # yoyo prints what SELECT statements answer; create_hypertable's answers are no news.
    with redirect_stdout(StringIO()):
        for migration in pending:
            backend.apply_one(migration)


def _yoyo_address(owner_dsn: str) -> str:
    """Yoyo names the driver in the scheme; its own tables stay in `public`."""
    parts = urlsplit(owner_dsn)
    query = urlencode([*parse_qsl(parts.query), ("schema", "public")])
    return urlunsplit(("postgresql+psycopg", parts.netloc, parts.path, query, ""))


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    connection.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK_KEY,))


def _check_ready(connection: Connection) -> None:
    _check_user(connection)
    rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", (list(ROLES),)).fetchall()
    missing = sorted(set(ROLES) - {str(name) for (name,) in rows})
    if missing:
        message = (
            f"the database server has no role {', '.join(missing)}: `quaystream up` creates them, or a superuser does"
        )
        raise ConfigurationError(message)
    if connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is None:
        message = "the database lacks the extension timescaledb: a superuser must run `CREATE EXTENSION timescaledb`"
        raise ConfigurationError(message)


def _check_user(connection: Connection) -> None:
    row = connection.execute("SELECT current_user::text").fetchone()
    if row is None or row[0] != OWNER:
        message = (
            f"migrations run as {OWNER}, but QUAYSTREAM_OWNER_URL logs in as {row and row[0]}: name the owner's address"
        )
        raise ConfigurationError(message)
