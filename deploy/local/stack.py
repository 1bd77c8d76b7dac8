"""The stack as a whole: starts parts side by side, remembers their ports, stops what it started."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL

from deploy.local import process, workers
from deploy.local.home import Home, downloads, locked
from deploy.local.kafka import Kafka
from deploy.local.memory import recall, remember
from deploy.local.monitoring import Alertmanager, Prometheus
from deploy.local.part import Part, Step, Stop, quiet
from deploy.local.ports import DEFAULTS, settle
from deploy.local.roles import DATABASE
from deploy.local.status import StackStatus, observe
from deploy.local.timescaledb import TimescaleDB
from schemas.errors import ConfigurationError, ServiceUnreachableError

# In the order they are stopped; they start side by side.
PARTS = ("alertmanager", "prometheus", "kafka", "timescaledb")
POLL_S = 0.1


@dataclass(frozen=True)
class Stack:
    """One local stack. `ports` are explicit wishes; others are found and remembered in the home."""

    home: Path
    ports: Mapping[str, int] = field(default_factory=dict)

    def up(self, parts: Iterable[str] = PARTS, step: Step = quiet) -> list[str]:
        """Start what does not run yet and wait until all answer; returns the parts it started."""
        wanted = [name for name in PARTS if name in checked(parts)]
        self._home().create()
        with locked(self._home().lock()):
            workers.prune(self._home().workers())
            workers.prune(self._home().boards())
            missing = [name for name in wanted if not self._answers(self._part(name))]
            self._start_together(missing, step)
            for name in wanted:
                self._part(name).prepare()
        return missing

    def down(self, step: Step = quiet) -> list[str]:
        """Stop what runs, in order; returns the parts it stopped."""
        if not self._home().lock().exists():
            return []
        with locked(self._home().lock()):
            running = [name for name in PARTS if self.pid(name) is not None]
            for name in running:
                with step(f"Stop {name}"):
                    self.stop(name)
        return running

    def start(self, name: str) -> int:
        """Start one part again with the ports it had, wait until it answers; returns its pid."""
        self.up([name])
        pid = self.pid(name)
        if pid is None:
            message = f"{name} ended right after it came up: see {self._home().log(name)}"
            raise ServiceUnreachableError(message)
        return pid

    def stop(self, name: str, how: Stop = Stop.FAST) -> None:
        """Stop one part and wait until it is gone; nothing happens when it does not run."""
        checked([name])
        pid, part = self.pid(name), self._part(name)
        if pid is not None and not _end(pid, part, how):
            failure = f"(pid {pid}) did not stop within {part.deadline_s:.0f} s"
            raise ServiceUnreachableError(self._why(part, failure))
        self._home().pid_file(name).unlink(missing_ok=True)

    def pid(self, name: str) -> int | None:
        """The part's process, None when it does not run."""
        return process.recorded(self._home().pid_file(name))

    def status(self) -> StackStatus:
        """Addresses of what runs now."""
        pids = {name: self.pid(name) for name in PARTS}
        return observe(self._home(), recall(self._home()), pids)

    def superuser_url(self, database: str = DATABASE) -> str:
        """For tests that terminate sessions or look behind permissions; nothing else uses it."""
        return TimescaleDB(self._home(), recall(self._home())["timescaledb"]).superuser_url(database)

    def _start_together(self, names: Sequence[str], step: Step) -> None:
        for name in names:
            self._part(name).install(step)
        # Held until all listen, so that two stacks that start at once never pick the same port.
        with locked(downloads() / ".ports.lock"):
            remember(self._home(), self._settle())
            for name in names:
                self._launch(self._part(name))
            for name in names:
                with step(f"Start {name}"):
                    self._await(self._part(name))

    def _settle(self) -> dict[str, int]:
        running = [name for name in PARTS if self.pid(name) is not None]
        owners = [*running, "controller"] if "kafka" in running else running
        return settle(self.ports, recall(self._home()), owners)

    def _launch(self, part: Part) -> None:
        part.configure()
        started = process.spawn(part.command(), self._home().log(part.name), part.environment())
        process.record(self._home().pid_file(part.name), started)

    def _await(self, part: Part) -> None:
        """Until it answers; the process that answers is then the one remembered."""
        if not self._answers(part):
            raise ServiceUnreachableError(self._why(part, "ended before it came up"))
        pid_file = self._home().pid_file(part.name)
        process.record(pid_file, part.own_pid(process.recorded(pid_file)))

    def _answers(self, part: Part) -> bool:
        """Whether it runs and answers. Waits while it runs and does not: it may be starting or ending."""
        deadline = time.monotonic() + part.deadline_s
        while self.pid(part.name) is not None:
            if part.is_ready():
                return True
            if time.monotonic() > deadline:
                failure = f"did not answer within {part.deadline_s:.0f} s"
                raise ServiceUnreachableError(self._why(part, failure))
            time.sleep(POLL_S)
        return False

    def _why(self, part: Part, failure: str) -> str:
        log = self._home().log(part.name)
        said = log.read_text(errors="replace").split("\n") if log.exists() else []
        last = next((line.strip() for line in reversed(said) if line.strip()), "it said nothing")
        return f"{part.name} {failure}: see {log}: {last}"

    def _part(self, name: str) -> Part:
        ports = {**DEFAULTS, **recall(self._home())}
        made: dict[str, Part] = {
            "kafka": Kafka(self._home(), ports["kafka"], ports["controller"]),
            "timescaledb": TimescaleDB(self._home(), ports["timescaledb"]),
            "prometheus": Prometheus(self._home(), ports["prometheus"], ports["alertmanager"]),
            "alertmanager": Alertmanager(self._home(), ports["alertmanager"]),
        }
        return made[name]

    def _home(self) -> Home:
        return Home(self.home.absolute())


def checked(parts: Iterable[str]) -> set[str]:
    """The names as a set; raises ConfigurationError for one that is no part."""
    names = set(parts)
    unknown = sorted(names - set(PARTS))
    if unknown:
        message = f"no such part: {', '.join(unknown)}; choose from {', '.join(PARTS)}"
        raise ConfigurationError(message)
    return names


def _end(pid: int, part: Part, how: Stop) -> bool:
    sign = SIGKILL if how is Stop.KILL else part.signal(how)
    try:
        return process.end(pid, sign, part.deadline_s)
    except PermissionError as error:
        message = f"{part.name} (pid {pid}) belongs to another user: stop it as that user"
        raise ConfigurationError(message) from error
