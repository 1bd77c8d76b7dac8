"""Needs as rows of text, a column per number of terminals: for the terminal and for the page alike."""

from collections.abc import Callable, Sequence
from typing import Final

from streams.cli.benchmark.tables import Grid
from streams.cli.sizing.constants import Constants
from streams.cli.sizing.model import Need

_LINES: Final[tuple[tuple[str, Callable[[Need], str]], ...]] = (
    ("events/s", lambda need: f"{need.events_per_s:,.0f}"),
    ("worker cores", lambda need: f"{need.worker_cores:,.2f}"),
    ("database cores", lambda need: f"{need.database_cores:,.2f}"),
    ("broker cores", lambda need: f"{need.broker_cores:,.2f}"),
    ("cores in all", lambda need: f"{need.cores:,.2f}"),
    ("worker processes", lambda need: f"{need.workers}"),
    ("partitions of the largest topic", lambda need: f"{max(need.partitions.values())}"),
    ("database, a day", lambda need: size(need.database_gb_per_day)),
    ("database, raw rows for the retention and rollups for a year", lambda need: size(need.database_gb)),
    ("of that rollups, a year", lambda need: size(need.rollup_gb_per_year)),
    ("written by the database (rows, indexes, WAL)", lambda need: f"{need.written_mb_per_s:,.1f} MB/s"),
    ("Kafka, a day, all copies", lambda need: size(need.kafka_gb_per_day)),
    ("Kafka, for the topics' retention, all copies", lambda need: size(need.kafka_gb)),
    ("memory of the workers", lambda need: size(need.worker_memory_gb)),
    ("memory of the database", lambda need: size(need.database_memory_gb)),
    ("memory of each broker", lambda need: size(need.broker_memory_gb)),
)


def needs(found: Sequence[Need]) -> Grid:
    """A column for each."""
    heading = ("", *(f"{need.terminals} terminal{'s' if need.terminals > 1 else ''}" for need in found))
    return Grid(heading, [(name, *(show(need) for need in found)) for name, show in _LINES])


def terminal(constants: Constants) -> Grid:
    """What one terminal sends."""
    rows = [
        (name, flow.origin, f"{flow.sources:,}", f"{flow.per_day:,.0f}", f"{flow.events_per_s:,.2f}", flow.why)
        for name, flow in constants.terminal.items()
    ]
    total = sum(flow.events_per_s for flow in constants.terminal.values())
    rows.append(("in all", "", "", "", f"{total:,.2f}", ""))
    return Grid(("events", "from", "sources", "each a day", "events/s", "why"), rows)


def measured(constants: Constants) -> Grid:
    """Every constant with where it was measured."""
    figures = constants.measured
    rows = []
    for name in type(figures).model_fields:
        figure = getattr(figures, name)
        rows.append((name.replace("_", " "), f"{figure.value:g} {figure.unit}", figure.where))
    return Grid(("constant", "value", "measured in"), rows)


def stored(constants: Constants) -> Grid:
    """Bytes in the database by type of event."""
    rows = [
        (
            *(name, f"{s.rows_per_event:g}", f"{s.row_bytes:g}", f"{s.index_bytes:g}", f"{s.bytes_per_event:,.0f}"),
            f"{s.minute_bytes:g}" if s.minute_bytes else "",
        )
        for name, s in constants.stored.items()
    ]
    heading = ("events", "rows each", "bytes a row", "of index a row", "bytes an event", "bytes of a minute's row")
    return Grid(heading, rows)


def size(gigabytes: float) -> str:
    """With the unit that reads best."""
    for factor, unit in ((1e-3, "TB"), (1.0, "GB")):
        if gigabytes * factor >= 1:
            return f"{gigabytes * factor:,.1f} {unit}"
    return f"{gigabytes * 1e3:,.0f} MB"
