"""The cluster as a whole: three brokers, two database servers of which one is the primary; started, broken, mended."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from random import SystemRandom

import psutil

from deploy.local import removal
from deploy.local.cluster.brokers import LISTENERS, Member
from deploy.local.cluster.pair import STANDBY, Server
from deploy.local.home import Home
from deploy.local.kafka import new_cluster_id
from deploy.local.launch import Launcher
from deploy.local.part import Part, Step, Stop, quiet
from deploy.local.ports import is_free
from schemas.errors import ServiceUnreachableError

BROKERS = (1, 2, 3)
SERVERS = ("db-a", "db-b")
_STREAMING = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'"
_POLL_S = 0.1
_STANDBY_S = 60.0


@dataclass(frozen=True)
class Plugs:
    """How a port of a server is shown to its clients: by itself, or as the port of a proxy before it.

    Called with a name (`edge-2`, `work-1`, `inner-3`, `db-a`) and the port behind; answers the port to tell.
    """

    port_of: Callable[[str, int], int] = lambda _, port: port


class Cluster:
    """In `home` alone. Not safe for two threads at the same server."""

    def __init__(self, home: Home, plugs: Plugs = Plugs()) -> None:
        self.primary, self.other = SERVERS
        self._home = home
        self._plugs = plugs
        self._launcher = Launcher(home)
        self._id = new_cluster_id()
        self._ports: dict[str, int] = {}
        self._told: dict[str, int] = {}

    def up(self, step: Step = quiet) -> None:
        """Install, make and start everything; the databases' roles are there, no topic is."""
        self._home.create()
        members = [self.member(node) for node in BROKERS]
        members[0].install(step)
        self.server(self.primary).install(step)
        with step("Start three brokers and the primary"):
            parts: Sequence[Part] = (*members, self.server(self.primary))
            for part in parts:
                self._launcher.launch(part)
            for part in parts:
                self._launcher.await_answer(part)
            self.server(self.primary).prepare()
        with step("Copy the primary to a synchronous standby"):
            self.join()

    def end(self) -> None:
        """Kill all of it."""
        parts: Sequence[Part] = (*(self.server(name) for name in SERVERS), *map(self.member, BROKERS))
        for part in parts:
            self._signal(part.name, signal.SIGCONT)
            self._kill(part)

    def remove(self) -> None:
        """Its data, when it has ended."""
        removal.remove(removal.contents(self._home) + [self._home.data(n) for n in self._names() if self._has(n)])

    @cached_property
    def brokers(self) -> str:
        """The bootstrap servers for the harness itself, past every proxy."""
        return self.bootstrap("ADMIN")

    def bootstrap(self, listener: str) -> str:
        """The bootstrap servers that clients of a listener are told."""
        return ",".join(f"127.0.0.1:{self._told_port(listener, node)}" for node in BROKERS)

    def databases(self) -> list[int]:
        """The ports of both servers as clients are told them."""
        return [self._shown(name, self._port(name)) for name in SERVERS]

    def member(self, node: int) -> Member:
        """A broker."""
        return Member(
            home=self._home,
            name=f"kafka-{node}",
            node=node,
            cluster=self._id,
            port=self._port(f"ADMIN-{node}"),
            controller_port=self._port(f"CONTROLLER-{node}"),
            controllers=tuple(self._port(f"CONTROLLER-{n}") for n in BROKERS),
            bound={name: self._port(f"{name}-{node}") for name in LISTENERS},
            told={name: self._told_port(name, node) for name in LISTENERS},
        )

    def server(self, name: str, copy_of: int | None = None) -> Server:
        """A database server."""
        return Server(home=self._home, port=self._port(name), name=name, copy_of=copy_of)

    def start_broker(self, node: int) -> None:
        """Again, and wait until it takes part."""
        self._start(self.member(node))

    def start_brokers(self) -> None:
        """Those that do not run, all at once, and wait until each takes part."""
        parts = [part for part in map(self.member, BROKERS) if not self.runs(part.name)]
        for part in parts:
            self._launcher.launch(part)
        for part in parts:
            self._launcher.await_answer(part)

    def stop_broker(self, node: int, how: Stop) -> None:
        """In order, or as by a crash."""
        self._launcher.stop(self.member(node), how)

    def start_server(self, name: str) -> None:
        """Again, as what it was."""
        self._start(self.server(name))

    def kill_server(self, name: str) -> None:
        """As the machine would go: every process of it at once, nothing written."""
        self._kill(self.server(name))

    def fail_over(self) -> None:
        """The standby becomes the primary; what was it must have been killed. It commits alone until `join`."""
        new = self.server(self.other)
        new.promote()
        self.primary, self.other = self.other, self.primary

    def join(self) -> None:
        """Make the other server a synchronous standby, from a new copy of the primary."""
        primary, other = self.server(self.primary), self.server(self.other, self._port(self.primary))
        self._kill(other)
        if self._home.data(other.name).exists():
            removal.remove([self._home.data(other.name)])
        primary.wait_for_standby("")
        self._start(other)
        # It has the setting of the primary with its copy; should it become one, it is alone at first.
        other.wait_for_standby("")
        primary.wait_for_standby(STANDBY)
        self._await(lambda: primary.value(_STREAMING) == 1, "the standby follows in step")

    def freeze(self, name: str) -> None:
        """Stop every process of a part where it is."""
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on."""
        self._signal(name, signal.SIGCONT)

    def runs(self, name: str) -> bool:
        """Whether a part's process is there."""
        return self._launcher.pid(name) is not None

    def _start(self, part: Part) -> None:
        """On a busy machine, more than once."""
        if not self._launcher.answers(part):
            self._launcher.launch(part)
            self._launcher.await_answer(part)

    def _kill(self, part: Part) -> None:
        pid = self._launcher.pid(part.name)
        crew = [] if pid is None else _family(pid)
        self._launcher.stop(part, Stop.KILL)
        for pid in crew:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _signal(self, name: str, what: signal.Signals) -> None:
        pid = self._launcher.pid(name)
        for member in [] if pid is None else _family(pid):
            with suppress(ProcessLookupError):
                os.kill(member, what)

    def _await(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _STANDBY_S
        while not holds():
            if time.monotonic() > deadline:
                raise ServiceUnreachableError(f"not within {_STANDBY_S:.0f} s: {what}")
            time.sleep(_POLL_S)

    def _port(self, name: str) -> int:
        if name not in self._ports:
            self._ports[name] = _free_port(set(self._ports.values()))
        return self._ports[name]

    def _told_port(self, listener: str, node: int) -> int:
        port = self._port(f"{listener}-{node}")
        return port if listener == "ADMIN" else self._shown(f"{listener.lower()}-{node}", port)

    def _shown(self, name: str, port: int) -> int:
        if name not in self._told:
            self._told[name] = self._plugs.port_of(name, port)
        return self._told[name]

    def _names(self) -> list[str]:
        return [*SERVERS, *(f"kafka-{node}" for node in BROKERS)]

    def _has(self, name: str) -> bool:
        return self._home.data(name).exists()


def _family(pid: int) -> list[int]:
    """A process and all that came of it."""
    try:
        process = psutil.Process(pid)
        return [pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def _free_port(taken: set[int]) -> int:
    """Far from the usual ones: while a server is down, nobody else may take its port."""
    dice = SystemRandom()
    while True:
        port = dice.randrange(20_000, 30_000)
        if port not in taken and is_free(port):
            return port
