"""Who owns which partition: claims them in the store when Kafka assigns them, and tells the lanes."""

import asyncio
from collections.abc import Iterable, Mapping

import structlog
from faust.types import TP

from streams.core.record import TopicPartition
from streams.flow import Crash
from streams.lane import Lane
from streams.pipeline import Fence
from streams.retry import delays
from streams.store import Position, Store

log = structlog.get_logger()


class RecreatedTopicError(Exception):
    """The store has read further than the topic reaches: it was deleted and made again, or rolled back."""


class Ownership:
    """The consumer's `Assignments` over a store and the lanes, by topic."""

    def __init__(self, store: Store, lanes: Iterable[Lane], deadline_s: float, crash: Crash) -> None:
        self._store = store
        self._lanes = {topic: lane for lane in lanes for topic in lane.topics}
        self._deadline_s = deadline_s
        self._crash = crash
        self.is_assigned = False

    async def assigned(self, log_starts: Mapping[TP, int], log_ends: Mapping[TP, int]) -> Mapping[TP, int]:
        """Claim every partition and return where each continues.

        Ends the process when the store cannot answer within the deadline: a Faust that waits longer here
        stays alive and reads nothing ever again.
        """
        try:
            async with asyncio.timeout(self._deadline_s):
                positions, paused = await self._claim({TopicPartition(*tp): o for tp, o in log_starts.items()})
            _refuse_recreated(positions, log_ends)
        except Exception as error:  # noqa: BLE001  (any failure here must end the process, not the recovery loop)
            self._crash(error)
        for topic, lane in self._lanes.items():
            mine = {tp: position for tp, position in positions.items() if tp.topic == topic}
            fences = {tp: Fence(p.next_offset, p.epoch, log_starts[TP(*tp)]) for tp, p in mine.items()}
            lane.claim(fences, [tp for tp in paused if tp.topic == topic])
        self.is_assigned = True
        log.info("partitions claimed", count=len(positions), paused=len(paused))
        return {TP(*tp): position.next_offset for tp, position in positions.items()}

    def revoked(self, partitions: Iterable[TP]) -> None:
        """These partitions are no longer ours."""
        self.is_assigned = False
        gone = [TopicPartition(*tp) for tp in partitions]
        for topic, lane in self._lanes.items():
            lane.revoke([tp for tp in gone if tp.topic == topic])

    def committed(self, tp: TP) -> int | None:
        """The next offset of a partition as the store has it; None when it is not ours."""
        return self.head(TopicPartition(*tp))

    def head(self, tp: TopicPartition) -> int | None:
        """The next offset of a partition as the store has it; None when it is not ours."""
        lane = self._lanes.get(tp.topic)
        return lane.partitions.heads().get(tp) if lane else None

    async def empty(self, tp: TP, end: int, serial: int) -> None:
        """The broker has no record between what is stored and `end` (a transaction's marker, everything removed)."""
        lane = self._lanes.get(tp.topic)
        if lane is not None and lane.is_idle:
            await lane.pass_over(TopicPartition(*tp), end, serial)

    async def resume_lifted(self) -> None:
        """Go on with partitions whose pause a person has lifted."""
        lanes = dict.fromkeys(self._lanes.values())
        held = [(lane, tp) for lane in lanes for tp in sorted(lane.partitions.paused)]
        still = await self._store.paused(tp for _, tp in held) if held else ()
        for lane, tp in held:
            if tp not in still:
                log.info("partition resumed", topic=tp.topic, partition=tp.partition)
                await lane.resume(tp)

    async def _claim(
        self, starts: Mapping[TopicPartition, int]
    ) -> tuple[Mapping[TopicPartition, Position], list[TopicPartition]]:
        for delay in delays():
            try:
                return await self._store.claim(starts), sorted(await self._store.paused(starts))
            except Exception as error:
                if self._store.fault_of(error) != "retry":
                    raise
                log.warning("cannot claim partitions, trying again", error=repr(error))
                await asyncio.sleep(delay)
        raise AssertionError("delays end")


def recreated(topic: str, partition: int, stored: int, end: int) -> str:
    """What to tell a person whose topic ends at `end` while the store has read up to `stored`."""
    return (
        f"{topic}/{partition}: the database has read up to {stored}, the topic ends at {end}; "
        f"was it re-created? `quaystream offsets reset {topic} --to earliest` starts it anew"
    )


def _refuse_recreated(positions: Mapping[TopicPartition, Position], log_ends: Mapping[TP, int]) -> None:
    for tp, position in positions.items():
        if position.next_offset > log_ends[TP(*tp)]:
            raise RecreatedTopicError(recreated(*tp, position.next_offset, log_ends[TP(*tp)]))
