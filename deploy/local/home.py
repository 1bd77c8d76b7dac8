"""Where a local stack keeps what is its own, and where downloads shared by all stacks lie."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ConfigurationError

# What a stack makes in its home; `clean` removes these and nothing else.
CONTENTS = (
    "kafka",
    "timescaledb",
    "prometheus",
    "alertmanager",
    "logs",
    "run",
    "secrets",
    "certificates",
    "env",
    "principals.yaml",
    "principals.d",
    "stack.json",
    ".lock",
)


def downloads() -> Path:
    """The folder of jars and system roots, shared by every stack of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "quaystream"


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold an exclusive lock on `file`; waits for whoever holds it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = file.open("w")
    except OSError as error:
        message = f"cannot write to {file.parent} ({error.strerror}): make it writable for this user"
        raise ConfigurationError(message) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Home:
    """One stack's folder."""

    path: Path

    def create(self) -> None:
        """Make the folders; raises ConfigurationError where this user may not write."""
        try:
            for name in ("logs", "run", "prometheus/workers", "prometheus/boards"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
            (self.path / "secrets").mkdir(mode=0o700, exist_ok=True)
            (self.path / ".lock").touch()
        except OSError as error:
            message = f"cannot write to {self.path} ({error.strerror}): set QUAYSTREAM_HOME to a writable folder"
            raise ConfigurationError(message) from error

    def lock(self) -> Path:
        return self.path / ".lock"

    def data(self, part: str) -> Path:
        return self.path / part

    def log(self, part: str) -> Path:
        return self.path / "logs" / f"{part}.log"

    def pid_file(self, part: str) -> Path:
        return self.path / "run" / f"{part}.json"

    def workers(self) -> Path:
        """Where running workers announce their metrics address, one file per process id."""
        return self.path / "prometheus" / "workers"

    def boards(self) -> Path:
        """Where running boards do."""
        return self.path / "prometheus" / "boards"

    def stack_file(self) -> Path:
        return self.path / "stack.json"

    def secret_file(self, name: str) -> Path:
        return self.path / "secrets" / name

    def secret(self, name: str) -> str:
        """The generated password `name`; made on first use, readable by this user alone."""
        file = self.secret_file(name)
        try:
            if not file.exists():
                write_private(file, secrets.token_urlsafe(24))
            return file.read_text().strip()
        except OSError as error:
            message = f"cannot read {file} ({error.strerror}): run this as the user who started the stack"
            raise ConfigurationError(message) from error

    def new_secret(self, name: str) -> str:
        """A new password in place of the one there is, whole at once."""
        partial = self.secret_file(f"{name}.partial")
        write_private(partial, secrets.token_urlsafe(24))
        partial.rename(self.secret_file(name))
        return self.secret(name)


def write_private(file: Path, text: str) -> None:
    """Write a file that was never readable by others, not even for a moment."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text + "\n")
