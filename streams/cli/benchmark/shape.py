"""Where a contestant keeps its rows: the table, and the columns that are not called as ours."""

from dataclasses import dataclass

PEERS = "peers"
"""The schema of whoever brings tables of its own; it is made anew before each run and belongs to the worker's role."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A table of crane samples, one row each; `time` is an SQL expression for the event time with its zone.

    Value columns (`load_t`, `power_kw`, …) and `sequence` have our names everywhere.
    """

    table: str = "port.crane_sample"
    time: str = "time"
    crane_id: str = "crane_id"
    source: str = "source"
    event_id: str = "event_id"


PORT = Shape()
