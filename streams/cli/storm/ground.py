"""What a run stands on: the cluster behind the proxy, workers and gateways as processes, and an empty start for each seed."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg

from connectors.kafka.options import KafkaAccess
from connectors.timescale.migrate import migrate
from deploy.local.cluster import Cluster, Plugs
from deploy.local.home import Home
from deploy.local.part import Step
from deploy.local.roles import DATABASE
from deploy.local.status import database_url
from streams.cli.benchmark.outage.programs import Program
from streams.cli.storm.proxy import Proxies
from streams.cli.storm.schedule import Cast
from streams.cli.storm.topics import empty_topics

TEMPLATE: Final = "chaos_template"
GROUP: Final = "chaos"
# Small batches, so that faults hit transactions; a short session, so that partitions move within a run.
WORKER: Final = {"QUAYSTREAM_SESSION_TIMEOUT": "6s", "QUAYSTREAM_BATCH_ROWS": "500"}
_CONFIG: Final = """source = "/vnhph/tanvu/gw-chaos-{number}"
[spool]
path = "{folder}/spool.db"
max_bytes = "2GiB"
[delivery]
timeout = "5s"
catch_up_per_s = {catch_up}
[[sources]]
kind = "files"
name = "port"
folder = "{folder}/inbox"
pattern = "*.jsonl"
poll_s = 0.1
"""
# On a machine that has much else to do.
_READY_S: Final = 300.0
_ACCEPTED: Final = "SELECT coalesce(sum(accepted), 0)::bigint FROM ingest.partition_offset"
_SESSIONS: Final = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{DATABASE}'"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that ended though nobody had ended it, and was started again as a supervisor would."""

    name: str
    code: int


class Ground:
    """One cluster for any number of rounds. `programs` are those of the round, by name (`worker-1`, `gateway-2`)."""

    def __init__(self, home: Path, cast: Cast, rate: float, seed: int = 0) -> None:
        self.home = Home(home)
        self.cast = cast
        self.proxies = Proxies(seed)
        self.cluster = Cluster(self.home, Plugs(self.proxies.port_of))
        self.programs: dict[str, Program] = {}
        self.ended: list[Ended] = []
        self._rate = rate
        self._held: set[str] = set()
        self._folder = home / "round"

    @property
    def folder(self) -> Path:
        """Logs, spools and inboxes of the round."""
        return self._folder

    @property
    def inboxes(self) -> list[Path]:
        """The file each gateway reads."""
        return [self._folder / f"gateway-{n}" / "inbox" / "port.jsonl" for n in range(1, self.cast.gateways + 1)]

    @property
    def access(self) -> KafkaAccess:
        """The brokers, past every proxy."""
        return KafkaAccess(self.cluster.brokers)

    def up(self, step: Step) -> None:
        """Everything that rounds have in common."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self.cluster.up(step)
        with step("Migrate a template of the database"):
            migrate(self.url("owner"))
            self.cluster.server(self.cluster.primary).execute(
                f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false",
                _SESSIONS,
                f"ALTER DATABASE {DATABASE} RENAME TO {TEMPLATE}",
            )

    def fresh(self) -> None:
        """Empty topics, a new database, new spools, and the programs, not started."""
        server = self.cluster.server(self.cluster.primary)
        empty_topics(self.cluster.brokers)
        server.execute(
            f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)",
            f"CREATE DATABASE {DATABASE} TEMPLATE {TEMPLATE} OWNER quaystream_owner STRATEGY WAL_LOG",
        )
        server.prepare()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._held.clear()
        self.ended.clear()
        self.programs = {name: self._program(name) for name in self._names()}

    def start(self) -> None:
        """Every program, and wait until all are ready."""
        for program in self.programs.values():
            program.start()
        for program in self.programs.values():
            program.await_ready(_READY_S)

    def stop(self) -> None:
        """End every program: asked first, killed where it does not."""
        for program in self.programs.values():
            program.tell(SIGTERM)
        for program in self.programs.values():
            program.stop()
        self.programs = {}

    def end(self) -> None:
        """Programs, cluster and proxies, at once."""
        for program in self.programs.values():
            program.kill()
        self.cluster.end()
        self.proxies.close()

    def hold(self, name: str) -> Program:
        """A program that a fault has in hand: when it ends, that is the fault's doing."""
        self._held.add(name)
        return self.programs[name]

    def release(self, name: str) -> None:
        """The fault is over."""
        self._held.discard(name)

    def tend(self) -> None:
        """Start again what ended by itself, as a supervisor would, and note it."""
        for name, program in self.programs.items():
            code = program.ended()
            if code is not None and name not in self._held:
                self.ended.append(Ended(name, code))
                program.start()

    def mend(self) -> None:
        """Give a primary that is alone its standby again."""
        if not self.cluster.runs(self.cluster.other):
            self.cluster.join()

    def accepted(self) -> int | None:
        """Events that are stored; None while the primary does not say."""
        try:
            with self.owner(1) as connection:
                row = connection.execute(_ACCEPTED).fetchone()
                return None if row is None else int(row[0])
        except psycopg.Error:
            return None

    def owner(self, patience_s: int = 5) -> "psycopg.Connection[Any]":
        """A connection of the owner to the primary, past the proxy; statements give up after `patience_s`."""
        options = f"-c statement_timeout={patience_s}s -c lock_timeout={patience_s}s"
        return psycopg.connect(self.url("owner"), autocommit=True, connect_timeout=max(2, patience_s), options=options)

    def url(self, role: str) -> str:
        """Of the primary, past the proxy."""
        return database_url(self.home, role, f"127.0.0.1:{self.cluster.server(self.cluster.primary).port}")

    def settings(self) -> Mapping[str, str]:
        """The environment of the harness's own commands."""
        return self._environment(self.cluster.brokers, self.url("worker")) | {"QUAYSTREAM_OWNER_URL": self.url("owner")}

    def extra_worker(self) -> Program:
        """One more worker, of no number."""
        return self._worker("worker-extra")

    def _names(self) -> Sequence[str]:
        return [*self.cast.targets("worker"), *self.cast.targets("gateway")]

    def _program(self, name: str) -> Program:
        return self._worker(name) if name.startswith("worker") else self._gateway(name)

    def _worker(self, name: str) -> Program:
        ports = self.cluster.databases()
        single = urlsplit(database_url(self.home, "worker", "127.0.0.1:0"))
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        both = single._replace(netloc=single.netloc.rpartition("@")[0] + f"@{hosts}").geturl()
        self._folder.mkdir(parents=True, exist_ok=True)
        environment = self._environment(self.cluster.bootstrap("WORK"), both) | WORKER
        return Program(environment, self._folder / f"{name}.log", "worker")

    def _gateway(self, name: str) -> Program:
        folder = self._folder / name
        (folder / "inbox").mkdir(parents=True)
        config = folder / "gateway.toml"
        number = name.rpartition("-")[2]
        config.write_text(_CONFIG.format(folder=folder, number=number, catch_up=2 * self._rate), encoding="utf-8")
        environment = self._environment(self.cluster.bootstrap("EDGE"), self.url("worker"))
        return Program(environment, self._folder / f"{name}.log", "gateway", str(config))

    def _environment(self, brokers: str, database: str) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("QUAYSTREAM_")}
        return {
            **ours,
            "QUAYSTREAM_BROKERS": brokers,
            "QUAYSTREAM_DATABASE_URL": database,
            "QUAYSTREAM_GROUP": GROUP,
            "QUAYSTREAM_HOME": str(self._folder / "home"),
        }

    def command(self, *arguments: str) -> list[str]:
        """A quaystream command."""
        return [sys.executable, "-m", "streams.cli", *arguments]
