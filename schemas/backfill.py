"""Back-fill: each event topic has a sibling for history, and a row says in its partition number which of the two it is from.

Raw rows name no topic: the table tells the domain. A row of partition p of the back-fill topic has partition -1-p,
so that offsets of the two topics never meet. The database says the same in `ingest.count_chunk` (migration 0019).
"""

from typing import Final

SUFFIX: Final = "-backfill"


def is_backfill(topic: str) -> bool:
    """Whether a topic carries history."""
    return topic.endswith(SUFFIX)


def live_topic(topic: str) -> str:
    """The event topic that a back-fill topic stands beside; an event topic is its own."""
    return topic.removesuffix(SUFFIX)


def stored_partition(topic: str, partition: int) -> int:
    """The partition number of the rows of a record."""
    return -1 - partition if is_backfill(topic) else partition


def place_of(topic: str, stored: int) -> tuple[str, int]:
    """Topic and partition of a row with this partition number; `topic` is the table's event topic."""
    return (topic + SUFFIX, -1 - stored) if stored < 0 else (topic, stored)
