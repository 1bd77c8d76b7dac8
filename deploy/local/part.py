"""What every part of the stack is: something to install, configure, start, ask and stop."""

import enum
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from signal import Signals
from string import Template
from typing import Protocol

CONFIG = Path(__file__).parent / "config"

# Names a piece of work while it runs; the command line shows it, tests leave it out.
Step = Callable[[str], AbstractContextManager[object]]


def quiet(_: str) -> AbstractContextManager[object]:
    return nullcontext()


class Stop(enum.Enum):
    """How a part is stopped: in order, at once by its own means, or as by a crash."""

    FAST = "fast"
    IMMEDIATE = "immediate"
    KILL = "kill"


class Part(Protocol):
    """One server. Frozen: everything that varies lies in the home folder."""

    @property
    def name(self) -> str: ...

    @property
    def deadline_s(self) -> float:
        """Longest time from start to ready, and from stop to gone."""

    def install(self, step: Step) -> None:
        """Fetch what is missing. Raises ConfigurationError with what a person must do."""

    def configure(self) -> None:
        """Write the configuration and, the first time, the data folder."""

    def command(self) -> Sequence[str]: ...

    def environment(self) -> Mapping[str, str]: ...

    def is_ready(self) -> bool:
        """Whether it answers a real request."""

    def own_pid(self, started: int | None) -> int | None:
        """The server's pid, given that of the command that started it; None when it is gone."""

    def prepare(self) -> None:
        """What must exist in it before others use it. Runs at every start; changes nothing twice."""

    def signal(self, how: Stop) -> Signals:
        """What it understands for FAST and IMMEDIATE."""


def render(templates: str | Sequence[str], file: Path, **values: object) -> None:
    """Fill a template of the config folder into `file`, or several one after the other."""
    names = [templates] if isinstance(templates, str) else templates
    text = Template("".join((CONFIG / name).read_text() for name in names)).substitute(values)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
