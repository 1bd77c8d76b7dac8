"""Passwords of the roles of sharing: hashed here, so that none reaches the server's log or its statistics."""

from pathlib import Path

import psycopg
from psycopg import sql

from connectors.sharing.apply import API
from connectors.timescale.connection import probe
from schemas.errors import ConfigurationError

SHORTEST = 12
_EXISTS = "SELECT 1 FROM pg_roles WHERE rolname = %s"


def let_in(owner_dsn: str, role: str, password_file: Path) -> None:
    """Give an agency's role, or the API's, this password and LOGIN. Raises ConfigurationError."""
    if role != API and not role.startswith("share_"):
        raise ConfigurationError(f"{role} is no role of sharing: write share_<agency>, or {API}")
    password = _password(password_file)
    probe(owner_dsn)
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        if connection.execute(_EXISTS, (role,)).fetchone() is None:
            raise ConfigurationError(f"there is no role {role} yet: `quaystream share apply` makes it")
        verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
        statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(role), sql.Literal(verifier.decode())))


def _password(file: Path) -> str:
    try:
        password = file.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {file} ({getattr(error, 'strerror', None) or 'not text'})") from error
    if len(password) < SHORTEST:
        raise ConfigurationError(f"the password in {file} is shorter than {SHORTEST} characters")
    return password
