"""Folding facts again, beside the lanes and with less right to the machine: when, how much, and what of failures.

Marks are left by the ingest transaction. A key rests for its kind's patience, so that rows that belong together are
folded together; while the lanes are behind it rests longer and folding takes a quarter of the time at most, but never
nothing: facts are late then, not starved. Keys of which late rows come rest until their past is complete, so that a
gateway that catches up has each asset folded again once. What one transaction does is connectors/timescale/refolds.py.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from connectors.prometheus import Registry
from schemas import metrics
from streams.facts.store import FactStore, Hold, Key, Refolded
from streams.retry import delays

log = structlog.get_logger()


def _patience() -> dict[str, timedelta]:
    # A lift and the job that ends with it are told within seconds of each other, by different systems.
    seconds = {"crane_cycle": 5, "gate_visit": 2, "cargo_visit": 2, "vessel_call": 2, "cell_alarm": 2}
    return {kind: timedelta(seconds=span) for kind, span in seconds.items()}


@dataclass(frozen=True, slots=True)
class RefoldPace:
    """How long marks rest, by kind and while the lanes are behind; keys per transaction; the share of time then.

    A crane's key is thousands of rows, any other's a dozen.
    """

    patience: Mapping[str, timedelta] = field(default_factory=_patience)
    behind: timedelta = timedelta(seconds=30)
    keys: int = 200
    cranes: int = 8
    share: float = 0.25
    poll_s: float = 1.0
    observe_s: float = 10.0
    close_s: float = 15.0
    clock_s: float = 2.0
    hold: Hold | None = field(default_factory=Hold)


class Refolding:
    """The task of one worker; several share the keys of one store. `run` until `stop`."""

    def __init__(
        self, store: FactStore, registry: Registry, is_behind: Callable[[], bool], pace: RefoldPace | None = None
    ) -> None:
        self._store = store
        self._registry = registry
        self._is_behind = is_behind
        self._pace = pace or RefoldPace()
        self._stopping = asyncio.Event()
        self._is_draining = False
        self._next: dict[str, float] = {}

    async def run(self) -> None:
        """Turn after turn. Nothing that happens here stops ingest: a failure is logged, counted and tried again."""
        back_off = delays()
        while not self._stopping.is_set():
            try:
                pause = await self.turn()
                back_off = delays()
            except Exception as error:  # noqa: BLE001  (facts may be late, records may not: see the docstring)
                pause = next(back_off)
                self._note(error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def stop(self) -> None:
        """Let the transaction in flight end and start no other."""
        self._stopping.set()

    async def is_settled(self) -> bool:
        """Whether no fact waits to be folded, failing keys aside. Once asked, marks rest no longer: somebody waits."""
        self._is_draining = True
        if (await self._store.waiting()).marks:
            return False
        return await self._store.close_by_age() == 0

    async def turn(self) -> float:
        """Fold some keys, if any are due; seconds until the next turn."""
        await self._now_and_then("observe", self._pace.observe_s, self._observe)
        every_s = 0.0 if self._is_draining else self._pace.clock_s
        await self._now_and_then("clock", every_s, self._store.advance_clocks)
        await self._now_and_then("close", self._pace.close_s, self._store.close_by_age)
        hold = None if self._is_draining else self._pace.hold
        keys = await self._store.due(self._resting(), self._pace.keys, hold)
        if not keys:
            return self._pace.poll_s
        if keys[0].kind == "crane_cycle":
            keys = keys[: self._pace.cranes]
        started = time.perf_counter()
        await self._refold(keys)
        spent = time.perf_counter() - started
        return spent * (1 / self._pace.share - 1) if self._is_behind() else 0.0

    def _resting(self) -> Mapping[str, timedelta]:
        if self._is_draining:
            return dict.fromkeys(self._pace.patience, timedelta(0))
        return dict.fromkeys(self._pace.patience, self._pace.behind) if self._is_behind() else self._pace.patience

    async def _refold(self, keys: Sequence[Key]) -> None:
        """All at once, or in halves down to the one that cannot be folded: it is left aside, the others are not."""
        started = time.perf_counter()
        try:
            done = await self._store.refold(keys)
        except Exception as error:
            if self._store.fault_of(error) == "retry":
                raise
            if len(keys) == 1:
                await self._fail({keys[0]: f"{type(error).__name__}: {error}"})
                return
            middle = len(keys) // 2
            await self._refold(keys[:middle])
            await self._refold(keys[middle:])
            return
        self._count(keys[0].kind, done, time.perf_counter() - started)
        if done.failed:
            await self._fail(done.failed)

    def _note(self, error: Exception) -> None:
        """Another worker was faster, or the database is away: that ends by itself. Anything else is counted."""
        if self._store.fault_of(error) == "retry":
            log.info("folding was interrupted, trying again", error=repr(error))
            return
        self._registry.counter(metrics.REFOLD_FAILURES, "").inc()
        log.error("folding failed, trying again", error=repr(error), exc_info=error)

    async def _fail(self, failed: Mapping[Key, str]) -> None:
        await self._store.fail(failed)
        for key, detail in failed.items():
            self._registry.counter(metrics.REFOLD_FAILURES, key.kind).inc()
            log.error("cannot be folded, tried again later", kind=key.kind, key=key.key, error=detail)

    def _count(self, kind: str, done: Refolded, seconds: float) -> None:
        self._registry.histogram(metrics.REFOLD_SECONDS).observe(seconds, kind)
        self._registry.counter(metrics.REFOLD_KEYS, kind).inc(len(done.keys))
        for of_kind, count in done.facts.items():
            self._registry.counter(metrics.REFOLD_FACTS, of_kind).inc(count)
        for (of_kind, reason), count in done.restatements.items():
            self._registry.counter(metrics.REFOLD_RESTATEMENTS, of_kind, reason).inc(count)

    async def _observe(self) -> None:
        waiting = await self._store.waiting()
        self._registry.gauge(metrics.REFOLD_MARKS).set(waiting.marks)
        self._registry.gauge(metrics.REFOLD_AGE).set(waiting.oldest_s)
        self._registry.gauge(metrics.REFOLD_FAILING).set(waiting.failing)

    async def _now_and_then(self, name: str, seconds: float, what: Callable[[], object]) -> None:
        now = time.monotonic()
        if now >= self._next.get(name, 0.0):
            self._next[name] = now + seconds
            await what()  # type: ignore[misc]
