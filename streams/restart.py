"""Starting over in place: the same process id and command, a fresh worker."""

import os
import sys
import time
from typing import NoReturn

import structlog

log = structlog.get_logger()
_TIMES = "_QUAYSTREAM_STARTED_OVER"
_LONGEST_PAUSE_S = 30.0


def settle() -> None:
    """All is well again: the next time counts as the first."""
    os.environ.pop(_TIMES, None)


def has_started_over() -> bool:
    """Whether this worker replaced another: then it waits for services instead of refusing to start."""
    return _TIMES in os.environ


def environment_of_replacement() -> dict[str, str]:
    """For a worker that takes the place of one that died: a service that is away now must be waited for."""
    return {**os.environ, _TIMES: "1"}


def start_over(why: str) -> NoReturn:
    """Replace this process by a fresh worker after a pause that grows with each time in a row."""
    times = int(os.environ.get(_TIMES, "0")) + 1
    pause = min(0.5 * 2 ** min(times, 10), _LONGEST_PAUSE_S)
    log.warning("starting over", why=why, times=times, pause_s=pause)
    sys.stderr.flush()
    time.sleep(pause)
    os.environ[_TIMES] = str(times)
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606  (this very command again)
