"""What a fold is and gives: raw rows of one key in, facts out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

Row = Mapping[str, Any]
"""One stored raw row by column name; times are aware datetimes in UTC."""

Rows = Mapping[str, Sequence[Row]]
"""Rows by raw table name (`port.gate_step`), each ordered by (time, event_id); a table without rows may be absent.

Plates are personal: in rows of `port.ocr_read` with kind `plate`, `value` is empty, and `corrected_value` None, empty
(the same) or `*` (another)."""

OPEN: Final = "open"
"""The `outcome` of what has not ended yet: it goes on changing without being restated."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of `kind` (schemas/facts.py): every column of its table has a value, the key included."""

    kind: str
    key: str
    values: Mapping[str, Any]


class Fold(Protocol):
    """Rebuilds all facts of one key from its raw rows.

    `as_of` is the time the answer is for, the newest event time known of the site (never the clock on the wall):
    what has not ended by then and is older than its kind's patience is closed by age and says so in `outcome`. The same rows and `as_of` give the same facts in any arrival order.
    """

    def __call__(self, key: str, rows: Rows, as_of: datetime) -> list[Fact]: ...
