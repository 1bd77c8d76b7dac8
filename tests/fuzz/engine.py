"""`python -m tests.fuzz.engine TARGET CORPUS …`: one target under Atheris (libFuzzer), instrumented; its options follow.

A finding is an error that the target does not declare, an input that takes over 100 ms of processor time three times
in a row, or more memory than libFuzzer's `-rss_limit_mb`.
"""

import sys
import time
from collections.abc import Callable

import atheris

LONGEST_S = 0.1


class SlowError(Exception):
    """An input takes too long."""


def timed(one: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """The target, which raises SlowError when the best of three tries is over the limit."""

    def tried(content: bytes) -> None:
        if _seconds(one, content) > LONGEST_S and min(_seconds(one, content) for _ in range(2)) > LONGEST_S:
            raise SlowError(f"{len(content)} bytes took over {LONGEST_S} s")

    return tried


def _seconds(one: Callable[[bytes], None], content: bytes) -> float:
    started = time.thread_time()
    one(content)
    return time.thread_time() - started


def main() -> None:
    """Never returns: libFuzzer ends the process."""
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["connectors", "streams", "schemas"]):
        from tests.fuzz.targets import TARGETS
    atheris.Setup([sys.argv[0], *options, f"-max_len={TARGETS[name].most}"], timed(TARGETS[name].one))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
