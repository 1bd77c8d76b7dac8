"""Connections to TimescaleDB with deadlines: asyncpg has none of its own, and a half-open link must not wedge a lane."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import asyncpg

from connectors.timescale.deadlines import COMMAND_TIMEOUT_S, CONNECT_TIMEOUT_S
from connectors.timescale.hosts import Hosts

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

_SESSION = {
    "application_name": "quaystream",
    "timezone": "UTC",
    "statement_timeout": "45s",
    "lock_timeout": "20s",
    # A frozen worker holds its fences' locks, and the next owner waits for them.
    "idle_in_transaction_session_timeout": "15s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


async def _keep(_: Any) -> None:
    """A transaction leaves nothing behind that a reset would have to clear: spare its round trip."""


async def open_pool(dsn: str, connections: int, password: Callable[[], str] | None = None) -> Pool:
    """A pool of at most `connections` that may start before the database is there: it connects when first needed.

    `password` is asked before each connection, so that a rotated one is taken up; None: the one in the URL.
    """
    return await asyncpg.create_pool(
        dsn,
        connect=Hosts(dsn).connect,
        password=cast("Any", password),
        min_size=0,
        max_size=connections,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=COMMAND_TIMEOUT_S,
        target_session_attrs=cast("Any", "read-write"),
        server_settings=_SESSION,
        reset=_keep,
    )
