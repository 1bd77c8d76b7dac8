"""Which of the servers in a URL to connect to: each is tried with a deadline of its own, the one that last answered first.

The driver has one deadline for all of them: a machine that is gone without a word, first in the URL, would use it up and the
server that took over would never be asked.
"""

from typing import Any
from urllib.parse import urlsplit

import asyncpg

# Not there, silent, a standby, starting or ending, full: another server may be better. A wrong name or password is none of these.
_NEXT = (
    *(OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError),
    *(asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.InsufficientResourcesError),
)


class Hosts:
    """The servers of one URL, `postgresql://user@one:5432,two:5432/database`."""

    def __init__(self, dsn: str) -> None:
        self._urls = urls_of(dsn)

    async def connect(self, *_: Any, **options: Any) -> Any:
        """As `asyncpg.connect`, whose `timeout` holds for each server. Raises the last one's error."""
        urls = self._urls
        for url in urls:
            try:
                connection = await asyncpg.connect(url, **options)
            except _NEXT:
                if url == urls[-1]:
                    raise
            else:
                self._urls = (url, *(other for other in urls if other != url))
                return connection
        raise AssertionError("a URL names a server")


def urls_of(dsn: str) -> tuple[str, ...]:
    """A URL of one server for each that `dsn` names, in its order."""
    parts = urlsplit(dsn)
    login, at, hosts = parts.netloc.rpartition("@")
    return tuple(parts._replace(netloc=f"{login}{at}{host}").geturl() for host in hosts.split(","))


def place_of(dsn: str) -> str:
    """User, servers and database of a URL, never its password."""
    parts = urlsplit(dsn)
    login, _, hosts = parts.netloc.rpartition("@")
    user = f"{login.partition(':')[0]}@" if login else ""
    shown = [host if ":" in host.rpartition("]")[2] else f"{host or 'localhost'}:5432" for host in hosts.split(",")]
    return f"{user}{','.join(shown)}{parts.path}"
