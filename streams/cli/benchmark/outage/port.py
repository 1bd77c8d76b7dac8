"""The simulated port at work: appends events to the gateways' files when they are due, in a thread, until it is told to stop."""

import threading
import time
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from connectors.simulator import SimRecord, Simulation
from schemas.errors import CheckFailedError
from streams.cli.benchmark.outage.plan import Plan

_TICK_S = 0.05
Stream = tuple[str, str, str, str]


class Port:
    """`written` lines so far; `behind_s` is how late it was at worst. What it wrote is in `truth`, whenever it stops.

    Each source goes into one of the files, always the same, so that one gateway sends all of a stream.
    """

    def __init__(self, plan: Plan, *into: Path) -> None:
        self.written = 0
        self.behind_s = 0.0
        self._plan = plan
        self._into = into
        self._simulation = Simulation(plan.simulation(datetime.now(UTC)))
        self._highest: dict[Stream, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._began_s = 0.0

    def start(self) -> None:
        """From now on."""
        self._began_s = time.monotonic()
        self._thread.start()

    def stop(self) -> dict[str, Any]:
        """Let it end: at once where it writes as it happens, else with the last line. Returns the truth of what was written."""
        if self._plan.is_live and not self._thread.is_alive():
            raise CheckFailedError(f"the port ended by itself after {self.written:,} lines")
        if self._plan.is_live:
            self._stop.set()
        self._thread.join()
        return self._simulation.truth()

    def elapsed_s(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began_s

    def _write(self) -> None:
        due_s = self._due_s()
        with ExitStack() as held:
            files = [held.enter_context(path.open("ab")) for path in self._into]
            for record in self._simulation.records():
                due = due_s(record)
                while (early_s := due - self.elapsed_s()) > 0:
                    for file in files:
                        file.flush()
                    time.sleep(max(early_s, _TICK_S))
                if due >= 0:
                    self.behind_s = max(self.behind_s, -early_s - _TICK_S)
                event = self._event(record)
                files[zlib.crc32(event["source"].encode()) % len(files)].write(msgspec.json.encode(event) + b"\n")
                self.written += 1
                if self._stop.is_set():
                    return

    def _due_s(self) -> Callable[[SimRecord], float]:
        if not self._plan.is_live:
            return lambda _: self.written / self._plan.per_s
        # What the port says of the time before its beginning comes first, and at once.
        begin = datetime.now(UTC)
        return lambda record: (record.time - begin).total_seconds()

    def _event(self, record: SimRecord) -> dict[str, Any]:
        event = event_of(record)
        self._check_order(event)
        return event

    def _check_order(self, event: dict[str, Any]) -> None:
        """Numbers of a stream grow from line to line, so that order can be judged by them."""
        if "sequence" not in event:
            return
        stream = (event["source"], event["bootid"], event["subject"], event["type"])
        number = int(event["sequence"])
        assert number > self._highest.get(stream, -1), f"{stream} goes back to {number}"  # noqa: S101
        self._highest[stream] = number


def event_of(record: SimRecord) -> dict[str, Any]:
    """The CloudEvent of a record of either mode."""
    assert record.value is not None  # noqa: S101  (the port is simulated without faults)
    content: dict[str, Any] = msgspec.json.decode(record.value)
    attributes = {name[3:]: value.decode() for name, value in record.headers if name.startswith("ce_")}
    return {**attributes, "data": content} if attributes else content
