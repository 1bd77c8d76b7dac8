"""One connection for a command, and why it failed in words for a person: not there, not let in, not migrated.

The worker's pool is in `pool.py`; this is for everything that runs beside it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import asyncpg

from connectors.timescale.hosts import Hosts, place_of
from schemas.errors import ConfigurationError, QuaystreamError, ServiceUnreachableError

CONNECT_TIMEOUT_S = 10.0
NOT_MIGRATED = "database is not migrated: run `quaystream migrate`"

_REFUSED_LOGIN = "28"
_AWAY = ("08", "53", "57P")
_NO_SUCH_DATABASE = "3D000"
_NOT_ALLOWED = "42501"
# Undefined table, column, schema, function.
_NOT_THERE = ("42P01", "42703", "3F000", "42883")


@asynccontextmanager
async def connection_to(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection in UTC, closed at the end.

    Raises ServiceUnreachableError or ConfigurationError, also for a connection lost on the way.
    """
    try:
        connection = await Hosts(dsn).connect(timeout=CONNECT_TIMEOUT_S, server_settings={"timezone": "UTC"})
        try:
            yield connection
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        explained = explain(error, dsn)
        if explained is None:
            raise
        raise explained from error


def probe(dsn: str) -> None:
    """Connect and leave; for synchronous callers, inside or outside an event loop. Raises as `connection_to` does."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, _visit(dsn)).result()


async def _visit(dsn: str) -> None:
    async with connection_to(dsn):
        pass


def explain(error: Exception, dsn: str) -> QuaystreamError | None:
    """The error a person may see, or None where the failure is a bug and must stay loud."""
    if isinstance(error, asyncpg.PostgresError):
        return _explain_sqlstate(error, dsn)
    where = place_of(dsn)
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigurationError(
            f"the certificate of the database at {where} is not accepted ({error.verify_message}): "
            "look at sslrootcert in its URL, or give the server one that is good"
        )
    if isinstance(error, (ssl.SSLError, asyncpg.ClientConfigurationError)) or _lacks_root(error):
        return ConfigurationError(
            f"no TLS with the database at {where} ({error}): look at sslmode and sslrootcert in its URL"
        )
    return ServiceUnreachableError(
        f"no answer from the database at {where}: start it (`quaystream up`) or mend its URL"
    )


def _lacks_root(error: Exception) -> bool:
    """A file of the URL that is not there; a server that is away is another kind of OSError."""
    return isinstance(error, (FileNotFoundError, PermissionError))


def _explain_sqlstate(error: asyncpg.PostgresError, dsn: str) -> QuaystreamError | None:
    state = error.sqlstate or ""
    if state.startswith(_REFUSED_LOGIN):
        return ConfigurationError(
            f"the database at {place_of(dsn)} refuses the login: check the URL, its password file, "
            "and that sslmode is verify-full where the server asks for TLS"
        )
    if state == _NO_SUCH_DATABASE:
        return ConfigurationError(f"the server has no database {place_of(dsn)}: check the URL, or run `quaystream up`")
    if state == _NOT_ALLOWED:
        role = f"the role of {place_of(dsn)} may not do this"
        return ConfigurationError(f"{role}: give the owner's address in QUAYSTREAM_OWNER_URL")
    if state in _NOT_THERE:
        return ConfigurationError(NOT_MIGRATED)
    if state.startswith(_AWAY):
        return ServiceUnreachableError(f"the database at {place_of(dsn)} is not available now ({state}): try again")
    return None
