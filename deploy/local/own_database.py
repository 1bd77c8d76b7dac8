"""A migrated database of one's own on the local stack that is up, for a measurement; gone afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from connectors.timescale.migrate import migrate
from deploy.local.roles import EXTENSIONS
from deploy.local.stack import Stack


@contextmanager
def own_database(stack: Stack, called: str) -> Iterator[str]:
    """The owner's address; what was left of the name is removed first."""
    owner = urlsplit(str(stack.status().database_url))._replace(path=f"/{called}").geturl()
    name = sql.Identifier(called)
    with psycopg.connect(stack.superuser_url("postgres"), autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        server.execute(sql.SQL("CREATE DATABASE {} OWNER quaystream_owner").format(name))
        try:
            with psycopg.connect(stack.superuser_url(called), autocommit=True) as inside:
                for extension in EXTENSIONS:
                    inside.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(extension)))
            migrate(owner)
            yield owner
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
