"""The database and its three roles: the owner migrates, the worker writes, the reader reads."""

from collections.abc import Callable

import psycopg
from psycopg import sql

DATABASE = "quaystream"
ROLES = ("owner", "worker", "reader")
# The second says which statements are slow, to whoever looks after the server.
EXTENSIONS = ("timescaledb", "pg_stat_statements")
Connection = psycopg.Connection[tuple[object, ...]]

# Grants inside the database belong to the migrations; these are the superuser's part of the work.
ON_DATABASE = (
    "REVOKE ALL ON DATABASE quaystream FROM PUBLIC",
    "GRANT CONNECT, TEMPORARY ON DATABASE quaystream TO quaystream_worker",
    "GRANT CONNECT ON DATABASE quaystream TO quaystream_reader",
    "GRANT pg_monitor TO quaystream_owner",
    # A role per agency (`quaystream share apply`); it may give them nothing that is not its own.
    "ALTER ROLE quaystream_owner CREATEROLE",
    "ALTER ROLE quaystream_reader SET default_transaction_read_only = on",
    "ALTER ROLE quaystream_reader SET statement_timeout = '60s'",
)


def role_name(role: str) -> str:
    return f"quaystream_{role}"


def create_roles(superuser_url: Callable[[str], str], secret: Callable[[str], str]) -> None:
    """Bring roles, passwords, database and extension to what they must be; safe to repeat.

    `superuser_url` gives the superuser's address of a database, `secret` the password of `owner`, `worker`, `reader`.
    """
    with psycopg.connect(superuser_url("postgres"), autocommit=True) as connection:
        for role in ROLES:
            _create_role(connection, role_name(role), secret(role))
        _create_database(connection)
        for statement in ON_DATABASE:
            connection.execute(sql.SQL(statement))
    with psycopg.connect(superuser_url(DATABASE), autocommit=True) as connection:
        for extension in EXTENSIONS:
            connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))


def _create_role(connection: Connection, name: str, password: str) -> None:
    verb = "ALTER" if _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", name) else "CREATE"
    # Hashed here, so that the password reaches neither the server's log nor its statistics.
    verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    statement = sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
        sql.SQL(verb), sql.Identifier(name), sql.Literal(verifier.decode())
    )
    connection.execute(statement)


def _create_database(connection: Connection) -> None:
    if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
        statement = sql.SQL("CREATE DATABASE {} OWNER {}")
        owner = sql.Identifier(role_name("owner"))
        connection.execute(statement.format(sql.Identifier(DATABASE), owner))


def _exists(connection: Connection, query: str, name: str) -> bool:
    return connection.execute(sql.SQL(query), (name,)).fetchone() is not None
