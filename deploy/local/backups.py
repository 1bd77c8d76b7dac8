"""Base backups of the local database with its archived log, and going back to a moment of it (docs/how-to/backup.md).

PostgreSQL's own programs do the work: pg_basebackup, pg_verifybackup, and the server's recovery.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from deploy.local import archiving, workers
from deploy.local.home import Home, write_private
from deploy.local.memory import recall
from deploy.local.packages import run
from deploy.local.part import Step, quiet
from deploy.local.removal import size
from deploy.local.stack import Stack
from deploy.local.timescaledb import TimescaleDB
from schemas.errors import ConfigurationError, QuaystreamError

STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Backup:
    """One base backup: whole, and with the log it needs to be a database by itself."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def began(self) -> datetime:
        """Nothing before its end can be gone back to; see `restore` for moments between."""
        return datetime.strptime(self.name, STAMP).replace(tzinfo=UTC)

    def bytes(self) -> int:
        return size([self.path])


@dataclass(frozen=True)
class Restored:
    """What a restore used and left: the data it took the place of is at `replaced`, None where there was none."""

    backup: Backup
    replaced: Path | None
    seconds: float


class Backups:
    """The backups of one stack's database. They lie beside its data: copy them to another disk."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._home = Home(stack.home.absolute())
        ports = recall(self._home)
        if "timescaledb" not in ports:
            raise ConfigurationError(f"there is no database in {stack.home}: `quaystream up` makes one")
        self._database = TimescaleDB(self._home, ports["timescaledb"])

    def known(self) -> list[Backup]:
        """Whole backups, oldest first."""
        found = self._folder().glob("*") if self._folder().exists() else ()
        return sorted(
            (Backup(path) for path in found if (path / "backup_manifest").exists() and path.suffix == ""),
            key=lambda backup: backup.name,
        )

    def create(self, step: Step = quiet) -> Backup:
        """Copy the running database, and from the first time on keep its log."""
        if self._stack.pid("timescaledb") is None:
            raise ConfigurationError("the database does not run, and is copied while it does: `quaystream up` first")
        self._archive()
        name = datetime.now(UTC).strftime(STAMP)
        partial, whole = self._folder() / f"{name}.partial", self._folder() / name
        with step("Copy the database"):
            self._copy(partial)
        partial.rename(whole)
        return Backup(whole)

    def restore(self, name: str | None = None, to: datetime | None = None, step: Step = quiet) -> Restored:
        """Put a backup in the place of the data and go on to `to`, or to the end of the log. The data before is kept.

        Raises ConfigurationError, and leaves the data as it was, where that is not possible.
        """
        began = time.monotonic()
        backup = self._chosen(name, to)
        if any(workers.running(self._home)):
            raise ConfigurationError("a worker runs here: stop all workers first, they remember what the database had")
        with step("Check the backup"):
            run(self._database.as_server("pg_verifybackup", "-q", self._database.seen(backup.path)), "check the backup")
        with step("Stop the database"):
            self._stack.stop("timescaledb")
        with self._in_place_of_data(backup, to) as replaced, step("Restore"):
            self._stack.start("timescaledb")
        return Restored(backup, replaced, time.monotonic() - began)

    def _archive(self) -> None:
        """From now on finished files of the log are kept."""
        archive = self._database.archive()
        with psycopg.connect(self._database.superuser_url("postgres"), autocommit=True) as connection:
            if connection.execute("SHOW archive_mode").fetchone() != ("on",):
                raise ConfigurationError(
                    "the database was started before it knew of backups: `quaystream down`, then up"
                )
            if not archive.exists():
                archive.mkdir(mode=0o700)
                self._database.give_to_server(archive)
                self._database.write_config()
                connection.execute("SELECT pg_reload_conf()")

    def _copy(self, into: Path) -> None:
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir(mode=0o700, parents=True)
        self._database.give_to_server(self._folder(), into)
        options = ["-X", "stream", "-c", "fast", "--manifest-checksums=SHA256", "--no-password"]
        with self._passfile() as passfile:
            server = f"host=127.0.0.1 port={self._database.port} user=postgres passfile={passfile}"
            place = ["-D", self._database.seen(into), "-d", server]
            run(self._database.as_server("pg_basebackup", *place, *options), "copy the database")

    @contextmanager
    def _passfile(self) -> Iterator[str]:
        """The superuser's password where the server's user may read it, for as long as it takes."""
        file = self._home.data("timescaledb") / "pgpass"
        write_private(file, f"127.0.0.1:{self._database.port}:*:postgres:{self._home.secret('superuser')}")
        self._database.give_to_server(file)
        try:
            yield self._database.seen(file)
        finally:
            file.unlink()

    def _chosen(self, name: str | None, to: datetime | None) -> Backup:
        fitting = self.known()
        if name is not None:
            fitting = [backup for backup in fitting if backup.name == name]
        if to is not None:
            fitting = [backup for backup in fitting if backup.began < to]
        if not fitting:
            wanted = f"{name or 'any'}, from before {to.isoformat()}" if to else name or "any"
            raise ConfigurationError(f"no such backup ({wanted}): `quaystream backup --list` shows those there are")
        return fitting[-1]

    @contextmanager
    def _in_place_of_data(self, backup: Backup, to: datetime | None) -> Iterator[Path | None]:
        """The backup as the server's data, told where to stop; the data as it was when the block fails."""
        data, settings = self._database.data(), self._database.restore_file()
        replaced = data.with_name(f"replaced-{datetime.now(UTC).strftime(STAMP)}") if data.exists() else None
        try:
            if replaced is not None:
                data.rename(replaced)
            run(["cp", "-a", str(backup.path), str(data)], "copy the backup into place")
            (data / "recovery.signal").touch()
            self._database.give_to_server(data / "recovery.signal")
            settings.write_text(archiving.restoring(self._database.seen(self._database.archive()), to))
            yield replaced
        except QuaystreamError as error:
            why = self._last_word() or str(error)
            self._stack.stop("timescaledb")
            settings.unlink(missing_ok=True)
            if replaced is not None:
                self._put_back(replaced)
            raise ConfigurationError(f"not restored, the data is as it was: {why}") from error
        finally:
            settings.unlink(missing_ok=True)
            self._database.write_config()

    def _put_back(self, replaced: Path) -> None:
        data = self._database.data()
        run(["rm", "-rf", "--one-file-system", "--", str(data)], "remove what was not restored")
        replaced.rename(data)
        self._stack.start("timescaledb")

    def _last_word(self) -> str | None:
        """The reason that the server gave last for ending."""
        lines = self._home.log("timescaledb").read_text(errors="replace").splitlines()
        return next((line.partition("FATAL:")[2].strip() for line in reversed(lines) if "FATAL:" in line), None)

    def _folder(self) -> Path:
        return self._home.data("timescaledb") / "backups"
