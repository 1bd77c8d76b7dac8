"""Two database servers: whoever is the primary commits only what the other has on disk as well."""

import shutil
from dataclasses import dataclass

import psycopg

from deploy.local.home import write_private
from deploy.local.packages import run
from deploy.local.timescaledb import TimescaleDB

STANDBY = "standby"


@dataclass(frozen=True, kw_only=True)
class Server(TimescaleDB):
    """One of the two. `copy_of`: the primary's port, for one whose data is to be a copy of it."""

    copy_of: int | None = None
    deadline_s: float = 90.0

    def is_ready(self) -> bool:
        """A standby answers, though it takes no writes."""
        return self.answers()

    def prepare(self) -> None:
        """Roles and databases come with the copy."""
        if self.copy_of is None:
            super().prepare()

    def execute(self, *statements: str) -> None:
        """As the superuser, each by itself."""
        with psycopg.connect(self.superuser_url("postgres"), autocommit=True, connect_timeout=5) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def value(self, query: str) -> object:
        """What a query answers the superuser."""
        with psycopg.connect(self.superuser_url("postgres"), autocommit=True, connect_timeout=5) as connection:
            row = connection.execute(query.encode()).fetchone()
            return None if row is None else row[0]

    def wait_for_standby(self, waits: str) -> None:
        """Whether a commit waits for the standby (`standby`) or not (empty)."""
        self.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{waits}'", "SELECT pg_reload_conf()")

    def promote(self) -> None:
        """Become the primary, and wait until it is."""
        self.execute("SELECT pg_promote(true, 60)")

    def _create(self) -> None:
        if self.copy_of is None:
            super()._create()
            return
        folder = self.home.data(self.name)
        new, passwords = folder / "new", folder / "passwords"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        write_private(passwords, f"127.0.0.1:*:*:postgres:{self.home.secret('superuser')}")
        self.give_to_server(new, passwords)
        seen = self._seen()
        source = (
            f"host=127.0.0.1 port={self.copy_of} user=postgres application_name={STANDBY} passfile={seen}/passwords"
        )
        words = ["-D", f"{seen}/new", "-d", source, "-R", "-X", "stream", "-c", "fast"]
        run(self.as_server("pg_basebackup", *words), "copy the primary")
        new.rename(self.data())
