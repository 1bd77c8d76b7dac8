"""A reading as tables for a terminal."""

from collections.abc import Mapping
from typing import Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from streams.cli.watch.reading import PartitionReading, Reading

MOST_PARTITIONS: Final = 8
SLOW_S: Final = 2.0
"""The freshness objective: what is slower is told in colour."""


def screen(reading: Reading, troubles: list[str]) -> Group:
    """Domains, the transaction, the partitions furthest behind, and what is wrong."""
    lines = [Text(f"✗ {trouble}", style="red") for trouble in troubles]
    return Group(_domains(reading), _transaction(reading), _partitions(reading), *lines)


def _domains(reading: Reading) -> Table:
    title = (
        f"quaystream: {reading.workers} worker{'s' if reading.workers != 1 else ''}, last {reading.interval_s:.1f} s"
    )
    names = ("accepted/s", "duplicate/s", "rejected/s", "age p50", "age p99", "lag records", "lag")
    table = _table("domain", *names, title=title)
    for one in reading.domains:
        table.add_row(
            one.domain,
            *(_count(rate) for rate in (one.accepted_per_s, one.duplicate_per_s)),
            _marked(_count(one.rejected_per_s), one.rejected_per_s > 0),
            _seconds(one.age_p50_s),
            _marked(_seconds(one.age_p99_s), (one.age_p99_s or 0) > SLOW_S),
            _count(one.lag_records),
            _marked(_seconds(one.lag_s), (one.lag_s or 0) > SLOW_S),
        )
    return table


def _transaction(reading: Reading) -> Table:
    table = _table(
        "commits/s", "rows/s", "commit p50", "commit p99", "fences", "retries", "dead letters", "not relayed"
    )
    table.columns[0].justify = "right"
    table.add_row(
        _count(reading.commits_per_s),
        _count(reading.rows_per_s),
        _seconds(reading.commit_p50_s),
        _seconds(reading.commit_p99_s),
        f"{reading.fenced:,}",
        _named(reading.retries),
        _named(reading.rejected),
        "?" if reading.dead_letters_unrelayed is None else f"{reading.dead_letters_unrelayed:,}",
    )
    return table


def _partitions(reading: Reading) -> Table:
    behind = [one for one in reading.partitions if one.lag_records != 0 or one.paused]
    if not behind:
        return Table(title=Text("Every partition is caught up.", style="green"), title_justify="left", box=None)
    shown = behind[:MOST_PARTITIONS]
    title = f"{len(behind)} of {len(reading.partitions)} partitions behind; the furthest first"
    table = _table("partition", "lag records", "lag", "last commit", "", title=title)
    for one in shown:
        table.add_row(*_partition(one))
    return table


def _partition(one: PartitionReading) -> tuple[str, str, str, str, str]:
    place = f"{one.topic}/{one.partition}"
    committed = "never" if one.committed_ago_s is None else f"{_seconds(one.committed_ago_s)} ago"
    return place, _count(one.lag_records), _seconds(one.lag_s), committed, "[red]paused[/red]" if one.paused else ""


def _table(first: str, *others: str, title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left", expand=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _named(counts: Mapping[str, int]) -> str:
    return "\n".join(f"{name or 'none'} {count:,}" for name, count in list(counts.items())[:4]) or "0"


def _marked(text: str, wrong: bool) -> str:
    return f"[yellow]{text}[/yellow]" if wrong else text


def _count(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f}"


def _seconds(value: float | None) -> str:
    if value is None:
        return "?"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.0f} min"
