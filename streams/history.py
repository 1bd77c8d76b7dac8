"""Back-filled records on their way into a lane: a little at a time, so that no live record waits long behind them.

They go through the lane like any others, in transactions of their own. What is held here is bounded; the rest waits
in Kafka.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

from streams.core.record import Record, Stretch, TopicPartition
from streams.flow import Crash

PIECE_S: Final = 0.1
"""A transaction of history carries what the rate allows in this time."""
FLIGHT_SHARE: Final = 0.25
"""The part of a lane's time that its history may take."""
SHY_SHARE: Final = 0.1
"""The part of its time, and of the rate, while live records wait or transactions are slow: late then, not starved."""
SLOW_S: Final = 0.25
"""A live event that waits for a transaction of history and then for its own shall not wait longer than half a second."""


class HistoryLane(Protocol):
    """What history needs to know of its lane."""

    @property
    def is_behind(self) -> bool:
        """Whether live records wait."""

    @property
    def is_quiet(self) -> bool:
        """Whether no live record has come for a while."""

    @property
    def flight_s(self) -> float:
        """How long the last transaction took, seconds."""

    async def offer_history(self, stretch: Stretch) -> None:
        """Take a piece in; waits while the last one is not taken."""


class HistoryRecorder(Protocol):
    """Who counts that history was held back for live records."""

    def yielded(self, domain: str, seconds: float) -> None: ...


class Allowance:
    """Records of history a second that one worker takes, its lanes together; a rate of 0 is a pause.

    `clock` gives monotonic seconds. Nothing is saved up while nobody asks.
    """

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.piece = max(1, math.ceil(rate * PIECE_S))
        self._clock = clock
        self._free_at = 0.0

    def reserve(self, seconds: float) -> float:
        """Take the next place, which lasts so long; seconds until it begins."""
        now = self._clock()
        start = max(now, self._free_at)
        self._free_at = start + seconds
        return start - now


class History:
    """One lane's history: `offer` takes stretches in, `run` hands them on piece by piece until it is cancelled.

    `used_up` is told of each partition whose stretch is handed on; until then no other comes, so what is held is bounded.
    """

    def __init__(
        self,
        domain: str,
        lane: HistoryLane,
        allowance: Allowance,
        recorder: HistoryRecorder,
        used_up: Callable[[TopicPartition], None],
        crash: Crash,
    ) -> None:
        self._domain = domain
        self._lane = lane
        self._allowance = allowance
        self._recorder = recorder
        self._used_up = used_up
        self._crash = crash
        self._held: asyncio.Queue[Stretch] = asyncio.Queue()

    async def offer(self, stretch: Stretch) -> None:
        """Take a stretch in, at once."""
        await self._held.put(stretch)

    async def run(self) -> None:
        """Hand on what is held, at the allowance's rate; nothing when that is 0."""
        try:
            while self._allowance.rate:
                stretch = await self._held.get()
                for records in _pieces(stretch.records, self._allowance.piece):
                    await self._hand_on(replace(stretch, records=records))
                self._used_up(stretch.tp)
        except Exception as error:  # noqa: BLE001  (this is where the unforeseen ends)
            self._crash(error)

    async def _hand_on(self, piece: Stretch) -> None:
        usual = len(piece.records) / self._allowance.rate
        seconds = usual if self._lane.is_quiet else self._beside_live(usual)
        if seconds > usual:
            self._recorder.yielded(self._domain, seconds - usual)
        await asyncio.sleep(self._allowance.reserve(seconds))
        await self._lane.offer_history(piece)

    def _beside_live(self, usual: float) -> float:
        flight_s = self._lane.flight_s
        if self._lane.is_behind or flight_s > SLOW_S:
            return max(usual, flight_s) / SHY_SHARE
        return max(usual, flight_s / FLIGHT_SHARE)


def _pieces(records: Sequence[Record], size: int) -> Iterator[Sequence[Record]]:
    return (records[start : start + size] for start in range(0, len(records), size))
