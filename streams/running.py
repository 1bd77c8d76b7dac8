"""Running workers: one in this process, or several under a parent that starts them again.

A worker that cannot claim its partitions (the database was away during an assignment) starts over in
place, same process id (streams/restart.py). One that meets an unforeseen error exits with 70: a parent
of several starts it again, a single one is its supervisor's business.
"""

import asyncio
import atexit
import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import structlog

from schemas.errors import ConfigurationError, QuaystreamError
from streams.restart import environment_of_replacement, has_started_over, start_over

if TYPE_CHECKING:
    from streams.settings import Settings

_PR_SET_PDEATHSIG = 1
_STOP_S = 10.0


def run_one(settings: "Settings", *, until_caught_up: bool) -> NoReturn:
    """Run a worker in this process until SIGTERM or SIGINT; exits with 0."""
    import faust

    from streams.app import INGESTED, build_app
    from streams.checks import check_start

    set_up_logs(settings.log_format)
    app = build_app(settings, INGESTED if has_started_over() else asyncio.run(check_start(settings)))
    app.shell.on_listening = partial(announce, settings, "workers")  # type: ignore[attr-defined]
    if until_caught_up:
        app.shell.on_caught_up = lambda: os.kill(os.getpid(), signal.SIGTERM)  # type: ignore[attr-defined]
    anew = Anew()
    app.shell.doorkeeper.on_changed = anew.ask  # type: ignore[attr-defined]
    worker = faust.Worker(app, loglevel="warning", override_logging=False, quiet=True, redirect_stdouts=False)
    worker.spinner = None
    code = _code_of(worker.execute_from_commandline)
    if anew.is_asked:
        start_over("the files that open Kafka's door have changed")
    sys.exit(code)


class Anew:
    """Stops the worker in order, so that others take its partitions at once, to start it over afterwards."""

    def __init__(self) -> None:
        self.is_asked = False

    def ask(self) -> None:
        """Stop; where that takes too long, because the old secrets open nothing any more, start over as it is."""
        self.is_asked = True
        late = threading.Timer(_STOP_S, start_over, ["the files that open Kafka's door have changed"])
        late.daemon = True
        late.start()
        os.kill(os.getpid(), signal.SIGTERM)


def run_many(processes: int, *, until_caught_up: bool) -> NoReturn:
    """Run `processes` workers as children; one that dies is started again. SIGTERM ends them all."""
    command = [sys.executable, "-m", "streams.cli", "worker", *(["--until-caught-up"] if until_caught_up else [])]
    family = Family(command, processes)
    signal.signal(signal.SIGTERM, lambda *_: family.end())
    signal.signal(signal.SIGINT, lambda *_: family.end())
    sys.exit(family.watch())


class Family:
    """Child workers, kept at their number."""

    def __init__(self, command: list[str], processes: int) -> None:
        self._command = command
        self._children = [self._start(os.environ) for _ in range(processes)]
        self._is_ending = False
        self._code = 0

    def watch(self) -> int:
        """Until all have ended; a usage or configuration error of one ends all, and its code is the answer."""
        while self._children:
            time.sleep(0.2)
            for child in [child for child in self._children if child.poll() is not None]:
                self._children.remove(child)
                self._after(child.returncode)
        return self._code

    def end(self) -> None:
        """Ask every child to stop."""
        self._is_ending = True
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)

    def _after(self, code: int) -> None:
        if code in (2, 3):
            self._code = self._code or code
            self.end()
        elif code != 0 and not self._is_ending:
            self._children.append(self._start(environment_of_replacement()))

    def _start(self, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self._command, env=environment, preexec_fn=_die_with_parent)  # noqa: S603, PLW1509


def set_up_logs(style: str) -> None:
    """Events to stderr: JSON for machines, lines for people; the libraries' warnings too."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s"
    )
    logging.getLogger("faust.worker").addFilter(_is_no_answer_to_a_person)
    for handler in logging.getLogger().handlers:
        handler.addFilter(Damper())


class Damper(logging.Filter):
    """The same thing of a library at most once in ten seconds: an absent broker is told hundreds of times a second."""

    EVERY_S = 10.0

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, object], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now, what = time.monotonic(), (record.name, record.msg)
        if now - self._told.get(what, -self.EVERY_S) < self.EVERY_S:
            return False
        self._told = {k: at for k, at in self._told.items() if now - at < self.EVERY_S} | {what: now}
        return True


def _is_no_answer_to_a_person(record: logging.LogRecord) -> bool:
    """An error with a message for people ends the command with that one line; Faust need not show where it arose."""
    return not (record.exc_info and isinstance(record.exc_info[1], QuaystreamError))


def announce(settings: "Settings", what: Literal["workers", "boards"], address: str) -> None:
    """Tell the local stack's Prometheus where we are, when there is such a stack."""
    if (settings.home / "stack.json").exists():
        from deploy.local import workers
        from deploy.local.home import Home

        home = Home(settings.home)
        try:
            file = workers.announce(home.workers() if what == "workers" else home.boards(), address)
        except OSError as error:
            raise ConfigurationError(
                f"cannot write to {settings.home} ({error.strerror}): set QUAYSTREAM_HOME to a writable folder"
            ) from error
        atexit.register(file.unlink, missing_ok=True)


def _code_of(run: Callable[[], Any]) -> int:
    try:
        run()
    except SystemExit as stop:
        # Faust turns every error into its own exit; the error itself is the exit's context.
        if not isinstance(stop.__context__, QuaystreamError):
            return stop.code if isinstance(stop.code, int) else 0
        print(f"quaystream: {stop.__context__}", file=sys.stderr)
        return stop.__context__.exit_code
    return 0


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
