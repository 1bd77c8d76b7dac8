"""An event loop whose time passes only when everybody waits, and that knows which process a task belongs to."""

import asyncio
import selectors
from collections import defaultdict
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

PROCESS: ContextVar[object] = ContextVar("process", default=None)


class _Patience(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """There is no input or output: to wait is to move the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1_000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everybody waits for ever")
        self.now_s += max(0.0, timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Single-threaded; the same tasks run in the same order every time."""

    def __init__(self) -> None:
        self._patience = _Patience()
        super().__init__(self._patience)
        self._tasks: dict[object, WeakSet[asyncio.Task[Any]]] = defaultdict(WeakSet)
        self.set_task_factory(self._task)  # type: ignore[arg-type]

    def time(self) -> float:
        return self._patience.now_s

    def tasks_of(self, process: object) -> list[asyncio.Task[Any]]:
        """What a process still does."""
        return [task for task in self._tasks[process] if not task.done()]

    def _task(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **more: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, **more)
        self._tasks[PROCESS.get()].add(task)
        return task
