"""What a domain is: a word, its topic, its event types with how they become rows, and its rollups."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pyarrow as pa

from schemas.events.model import EventData
from schemas.signing import Gateways
from schemas.tables import RAW_BY_TYPE, Rollup
from streams.core.clear_names import Sites
from streams.core.columns import ToRows, flat_rows


@dataclass(frozen=True, slots=True)
class Domain:
    """`rows` names the event types whose rows are not simply their fields.

    `strange` counts, in the rows of a batch by raw table, what is stored although nobody knows it.
    """

    name: str
    topic: str
    models: tuple[type[EventData], ...]
    rollups: tuple[Rollup, ...] = ()
    rows: Mapping[str, ToRows] | None = None
    strange: Callable[[Mapping[str, pa.RecordBatch]], Mapping[str, int]] | None = None

    def to_rows(self, event_type: str) -> ToRows:
        """How events of a type become rows of their raw table."""
        return (self.rows or {}).get(event_type, flat_rows)

    def __post_init__(self) -> None:
        missing = [model.TYPE for model in self.models if model.TYPE not in RAW_BY_TYPE]
        if missing:
            raise ValueError(f"no raw table for {missing}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused or stopped (contract sections 4, 8 and 9.4). `gateways`: None where sources are not bound.

    `pseudonyms_only`: sites whose events may name nobody in the clear.
    """

    max_record_bytes: int = 1_048_576
    max_future: timedelta = timedelta(minutes=5)
    max_age: timedelta = timedelta(days=90)
    dead_letter_run: int = 5_000
    dead_letter_share: float = 0.5
    dead_letter_window: int = 100_000
    gateways: Gateways | None = None
    pseudonyms_only: Sites = field(default_factory=Sites)
