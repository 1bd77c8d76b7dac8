"""Starts one part and waits until it answers, stops one and waits until it is gone; says why where it does not."""

import time
from dataclasses import dataclass
from signal import SIGKILL

from deploy.local import process
from deploy.local.home import Home
from deploy.local.part import Part, Stop
from schemas.errors import ConfigurationError, ServiceUnreachableError

POLL_S = 0.1


@dataclass(frozen=True)
class Launcher:
    """The parts of one home, by their names; what it knows of them lies in the home."""

    home: Home

    def pid(self, name: str) -> int | None:
        """The part's process, None when it does not run."""
        return process.recorded(self.home.pid_file(name))

    def launch(self, part: Part) -> None:
        """Configure and start it; does not wait."""
        part.configure()
        started = process.spawn(part.command(), self.home.log(part.name), part.environment())
        process.record(self.home.pid_file(part.name), started)

    def await_answer(self, part: Part) -> None:
        """Until it answers; the process that answers is then the one remembered. Raises ServiceUnreachableError."""
        if not self.answers(part):
            raise ServiceUnreachableError(self.why(part, "ended before it came up"))
        pid_file = self.home.pid_file(part.name)
        process.record(pid_file, part.own_pid(process.recorded(pid_file)))

    def answers(self, part: Part) -> bool:
        """Whether it runs and answers. Waits while it runs and does not: it may be starting or ending."""
        deadline = time.monotonic() + part.deadline_s
        while self.pid(part.name) is not None:
            if part.is_ready():
                return True
            if time.monotonic() > deadline:
                failure = f"did not answer within {part.deadline_s:.0f} s"
                raise ServiceUnreachableError(self.why(part, failure))
            time.sleep(POLL_S)
        return False

    def stop(self, part: Part, how: Stop = Stop.FAST) -> None:
        """Stop it and wait until it is gone; nothing happens when it does not run."""
        pid = self.pid(part.name)
        if pid is not None and not _end(pid, part, how):
            failure = f"(pid {pid}) did not stop within {part.deadline_s:.0f} s"
            raise ServiceUnreachableError(self.why(part, failure))
        self.home.pid_file(part.name).unlink(missing_ok=True)

    def why(self, part: Part, failure: str) -> str:
        """The failure with the last thing the part said."""
        log = self.home.log(part.name)
        said = log.read_text(errors="replace").split("\n") if log.exists() else []
        last = next((line.strip() for line in reversed(said) if line.strip()), "it said nothing")
        return f"{part.name} {failure}: see {log}: {last}"


def _end(pid: int, part: Part, how: Stop) -> bool:
    sign = SIGKILL if how is Stop.KILL else part.signal(how)
    try:
        return process.end(pid, sign, part.deadline_s)
    except PermissionError as error:
        message = f"{part.name} (pid {pid}) belongs to another user: stop it as that user"
        raise ConfigurationError(message) from error
