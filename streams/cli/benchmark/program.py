"""A program of the benchmark as a child process: started, read line by line, ended by its own pid."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from schemas.errors import CheckFailedError

START_S = 60.0
STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class Program:
    """A running child; what it says on stderr is in `log`."""

    name: str
    log: Path
    process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        return self.process.pid

    async def lines(self) -> AsyncIterator[bytes]:
        """What it prints, as it prints it, until it ends."""
        assert self.process.stdout is not None  # noqa: S101  (opened by `launch`)
        while line := await self.process.stdout.readline():
            yield line

    async def expect(self, line: bytes) -> None:
        """Wait until it prints `line`; raises CheckFailedError when it ends before."""
        async for said in self.lines():
            if said.strip() == line:
                return
        raise self.ended()

    def refuse_ended(self) -> None:
        """Raises CheckFailedError when it is not running any more."""
        if self.process.returncode is not None:
            raise self.ended()

    def ended(self) -> CheckFailedError:
        """That it ended before its time, and the last thing it said."""
        said = self.log.read_text(errors="replace").strip().splitlines() or ["nothing"]
        return CheckFailedError(f"{self.name} ended before its time: {said[-1]} (see {self.log})")

    async def once(self, readiness: Awaitable[None]) -> Self:
        """Itself when `readiness` is over; where that fails, it is stopped first.

        Raises CheckFailedError after `START_S`.
        """
        try:
            await asyncio.wait_for(readiness, START_S)
        except TimeoutError as late:
            await self.stop()
            raise CheckFailedError(f"{self.name} was not ready after {START_S:.0f} s: see {self.log}") from late
        except BaseException:
            await self.stop()
            raise
        return self

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL after `STOP_S`; what it still prints is read and dropped."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.communicate(), STOP_S)
        except TimeoutError:
            self.process.kill()
            await self.process.communicate()


async def run_program(
    name: str, command: list[str], log: Path, environment: Mapping[str, str], task: Mapping[str, Any] | None = None
) -> Program:
    """Run a foreign program; `task` goes as JSON to its stdin."""
    program = await _start(name, command, log, environment, asyncio.subprocess.PIPE)
    assert program.process.stdin is not None  # noqa: S101  (asked for one line above)
    if task is not None:
        program.process.stdin.write(json.dumps(task).encode())
    program.process.stdin.close()
    return program


async def launch(name: str, module: str, task: Mapping[str, Any], log: Path) -> Program:
    """Run `python -m module` with `task` as JSON on its stdin."""
    return await run_program(name, [sys.executable, "-m", module], log, dict(os.environ), task)


async def run_command(name: str, arguments: list[str], log: Path, environment: Mapping[str, str]) -> Program:
    """Run `quaystream` with `arguments` and exactly this environment."""
    command = [sys.executable, "-m", "streams.cli", *arguments]
    return await _start(name, command, log, environment, asyncio.subprocess.DEVNULL)


async def _start(name: str, command: list[str], log: Path, environment: Mapping[str, str], stdin: int) -> Program:
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=errors, env=environment
        )
    return Program(name, log, process)


def read_task() -> dict[str, Any]:
    """In the child: the task it was given."""
    task: dict[str, Any] = json.load(sys.stdin)
    return task


def say(line: str) -> None:
    """In the child: one line to whoever started it."""
    print(line, flush=True)
