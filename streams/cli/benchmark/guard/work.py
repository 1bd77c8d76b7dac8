"""Work that is counted instead of timed: the same on a slow, a fast and a busy machine.

Everything is per event: the difference between a large and a small batch, so what a batch costs once cancels out.
"""

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from types import FrameType
from typing import Any


@dataclass(frozen=True, slots=True)
class Work:
    """`steps`: bytecodes run. `calls`: of Python functions. `builtins`: of functions written in C.

    `blocks`: small objects the result keeps alive. `peak_bytes`: Python memory at its highest, the result in it.
    """

    steps: float
    calls: float
    builtins: float
    blocks: float
    peak_bytes: float

    def per_event(self, smaller: "Work", events: int) -> "Work":
        """What each of the `events` events more than in `smaller` cost, to two decimals."""
        pairs = zip(astuple(self), astuple(smaller), strict=True)
        # Adding 0.0 makes a rounded -0.0 a 0.0.
        return Work(*(round((more - less) / events, 2) + 0.0 for more, less in pairs))


def count(work: Callable[[], Any]) -> Work:
    """Do `work` once for each kind of count and return the sum of what was counted; nothing else may run meanwhile."""
    with _no_collector():
        steps, calls = _count_steps(work)
        return Work(steps, calls, _count_builtins(work), _count_blocks(work), _peak_bytes(work))


@contextmanager
def _no_collector() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    gc.freeze()  # what is there already need not be looked through again and again
    try:
        yield
    finally:
        gc.unfreeze()
        if was_on:
            gc.enable()


def _count_steps(work: Callable[[], Any]) -> tuple[int, int]:
    steps = calls = 0

    def within(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal steps
        steps += event == "opcode"
        return within

    def enter(frame: FrameType, _event: str, _argument: object) -> Any:
        nonlocal calls
        calls += 1
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return within

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        work()
    finally:
        sys.settrace(before)
    return steps, calls


def _count_builtins(work: Callable[[], Any]) -> int:
    calls = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "c_call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


def _count_blocks(work: Callable[[], Any]) -> int:
    gc.collect()  # empties the free lists too, which would hide what is taken from them
    before = sys.getallocatedblocks()
    kept = work()
    blocks = sys.getallocatedblocks() - before
    del kept
    return blocks


def _peak_bytes(work: Callable[[], Any]) -> int:
    was_on = tracemalloc.is_tracing()
    if not was_on:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not was_on:
            tracemalloc.stop()
