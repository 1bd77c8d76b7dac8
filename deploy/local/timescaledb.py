"""TimescaleDB on PostgreSQL 17: the system's own where it has one, else the Debian 13 root of `chroot`.

Reached over loopback TCP alone, with passwords from the first start on.
"""

import os
import pwd
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGQUIT, Signals

import psycopg

from deploy.local import archiving, chroot, remnants
from deploy.local.certificates import PROGRAMS
from deploy.local.home import Home, write_private
from deploy.local.keyring import Keyring
from deploy.local.packages import may_be_root, need, run
from deploy.local.part import Step, Stop, render
from deploy.local.roles import create_roles
from deploy.local.security import OPEN, Security, tls_query
from schemas.errors import ConfigurationError

BINARIES = Path("/usr/lib/postgresql/17/bin")
START_S, RESTORE_S = 60.0, 4 * 3_600.0


@dataclass(frozen=True)
class TimescaleDB:
    """The database server. Its superuser's password is the secret `superuser`."""

    home: Home
    port: int
    security: Security = OPEN
    name: str = "timescaledb"

    @property
    def deadline_s(self) -> float:
        """A restore reads the log since the backup first, which takes as long as it takes."""
        return RESTORE_S if self.restore_file().exists() else START_S

    def install(self, step: Step) -> None:
        if self.security.is_on:
            need(PROGRAMS, step)
        if self._is_direct():
            return
        if not may_be_root():
            message = (
                "TimescaleDB needs root or sudo without a password here: "
                "run as root, or install postgresql-17-timescaledb"
            )
            raise ConfigurationError(message)
        need(chroot.TOOLS, step)
        if not chroot.is_native(BINARIES):
            chroot.install(step)

    def configure(self) -> None:
        self.home.data(self.name).mkdir(exist_ok=True)
        if self.security.is_on:
            Keyring(self.home).create()
            render("pg_hba.conf", self.home.data(self.name) / "pg_hba.conf")
            self._give_certificate()
        self.write_config()
        if self.data().exists():
            remnants.await_release(self.data())
        else:
            self._create()

    def write_config(self) -> None:
        """What the server reads when it starts, or is told to read again."""
        file = self.home.data(self.name) / "postgresql.conf"
        if self.security.is_on:
            render(["postgresql.conf", "secured.postgresql.conf"], file, port=self.port, seen=self._seen())
        else:
            render("postgresql.conf", file, port=self.port)
        parts = [archiving.settings(self.seen(self.archive())) if self.archive().exists() else archiving.NONE]
        parts += [self.restore_file().read_text()] if self.restore_file().exists() else []
        file.write_text("\n".join([file.read_text(), *parts]))

    def command(self) -> list[str]:
        config = f"config_file={self._seen()}/postgresql.conf"
        return self.as_server("postgres", "-D", self.seen(self.data()), "-c", config)

    def environment(self) -> Mapping[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}

    def is_ready(self) -> bool:
        """Answers and takes writes: one that still reads its log after a restore does not."""
        return self.answers("SELECT NOT pg_is_in_recovery()")

    def answers(self, query: str = "SELECT true") -> bool:
        """Whether it says yes; no while it cannot be asked."""
        try:
            with psycopg.connect(self.superuser_url("postgres"), connect_timeout=2) as connection:
                return connection.execute(query.encode()).fetchone() == (True,)
        except psycopg.OperationalError:
            return False

    def own_pid(self, started: int | None) -> int | None:
        """The postmaster's: behind sudo it is not the process that was started."""
        return remnants.postmaster(self.data()) if started else None

    def prepare(self) -> None:
        create_roles(self.superuser_url, self.home.secret)

    def signal(self, how: Stop) -> Signals:
        """What pg_ctl sends for its modes of the same names."""
        return SIGINT if how is Stop.FAST else SIGQUIT

    def superuser_url(self, database: str) -> str:
        password = self.home.secret("superuser")
        query = tls_query(self.home) if self.security.is_on else ""
        return f"postgresql://postgres:{password}@127.0.0.1:{self.port}/{database}{query}"

    def reload_certificate(self) -> None:
        """Take up a certificate that was made anew; sessions there are stay."""
        self._give_certificate()
        with psycopg.connect(self.superuser_url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")

    def _create(self) -> None:
        """Run initdb in a folder beside, renamed when whole."""
        folder = self.home.data(self.name)
        new, password = folder / "new", folder / "password"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        write_private(password, self.home.secret("superuser"))
        try:
            self.give_to_server(new, password)
            run(self.as_server("initdb", *self._initdb_options()), "create the database")
        finally:
            password.unlink()
        new.rename(self.data())

    def _give_certificate(self) -> None:
        """Where the server sees it, and readable by the server alone; each file whole at once."""
        own = Keyring(self.home).signed("database")
        for source, end in ((own.cert, "pem"), (own.key, "key")):
            partial = self.home.data(self.name) / f"server.{end}.partial"
            write_private(partial, source.read_text().rstrip("\n"))
            self.give_to_server(partial)
            partial.rename(partial.with_suffix(""))

    def _initdb_options(self) -> list[str]:
        places = ["-D", f"{self._seen()}/new", f"--pwfile={self._seen()}/password"]
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8", "--encoding=UTF8"]
        return [*places, *locale, "--username=postgres", "--auth=scram-sha-256", "--data-checksums"]

    def give_to_server(self, *files: Path) -> None:
        """Make the server their owner."""
        if not self._is_direct() and os.geteuid() == 0:
            for file in files:
                os.chown(file, *self._user())

    def as_server(self, program: str, *arguments: str) -> list[str]:
        """The command of one of PostgreSQL's programs as the server's user, who sees its folder as `seen` says."""
        command: Sequence[str] = [str(BINARIES / program), *arguments]
        if self._is_direct():
            return list(command)
        root = chroot.HOST if chroot.is_native(BINARIES) else chroot.root()
        return chroot.Inside(root, self.home.data(self.name), *self._user()).wrap(command)

    def _is_direct(self) -> bool:
        """PostgreSQL refuses to run as root; any other user starts the system's own as it is."""
        return chroot.is_native(BINARIES) and os.geteuid() != 0

    def _user(self) -> tuple[int, int]:
        """The data's owner; for new data this user, or an unprivileged one when this is root."""
        if self.data().exists():
            status = self.data().stat()
            return status.st_uid, status.st_gid
        if os.geteuid() != 0:
            return os.getuid(), os.getgid()
        return _postgres_user()

    def data(self) -> Path:
        return self.home.data(self.name) / "data"

    def archive(self) -> Path:
        """Where finished files of the write-ahead log are copied to, from the first backup on."""
        return self.home.data(self.name) / "archive"

    def restore_file(self) -> Path:
        """Settings of a restore; there only while one is under way."""
        return self.home.data(self.name) / "restore.conf"

    def seen(self, file: Path) -> str:
        """A file of our folder as the server sees it."""
        return f"{self._seen()}/{file.relative_to(self.home.data(self.name))}"

    def _seen(self) -> str:
        """The folder as the server sees it."""
        return str(self.home.data(self.name)) if self._is_direct() else "/srv"


def _postgres_user() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        lines = (chroot.root() / "etc/passwd").read_text().splitlines()
        fields = next(line for line in lines if line.startswith("postgres:")).split(":")
        return int(fields[2]), int(fields[3])
    return entry.pw_uid, entry.pw_gid
