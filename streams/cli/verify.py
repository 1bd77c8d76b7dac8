"""`verify`: the ledger. Exit 0 when everything adds up, 1 with the differences listed."""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from schemas.backfill import is_backfill
from schemas.errors import CheckFailedError, ConfigurationError
from streams.cli.paper import print_table
from streams.cli.span import span_option
from streams.cli.verify_remembering import verify_remembering

if TYPE_CHECKING:
    import asyncpg

    from connectors.kafka.positions import OffsetSpan
    from connectors.timescale.ledger import Ledger, PartitionLine
    from streams.facts.store import Waiting
    from streams.settings import Settings

POLL_S: Final = 0.5
_STALE_HOURS: Final = (
    "SELECT count(DISTINCT (table_name, bucket)) FROM ingest.stale_hour WHERE table_name = ANY($1::text[])"
)

TruthFile = Annotated[Path | None, typer.Option("--truth", metavar="FILE", help="Also judge this simulated run.")]
Wait = Annotated[str | None, typer.Option(metavar="SPAN", help="Wait this long for the worker to catch up, like 120s.")]
Facts = Annotated[bool, typer.Option("--facts", help="Also make every fact again, from its raw rows, and compare.")]
Incremental = Annotated[
    bool, typer.Option("--incremental", help="Read only what was written to since it was last looked at.")
]
Nightly = Annotated[
    bool, typer.Option("--nightly", help="Read everything again, facts too, a day of a table at a time.")
]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


@dataclass(frozen=True, slots=True)
class Settled:
    """What is still open or could not be judged (no fault), and what cannot be right."""

    notes: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What to check beside the ledger, and how long to wait before."""

    truth_file: Path | None
    wait: timedelta | None
    folds_facts: bool


def register(app: typer.Typer) -> None:
    app.command()(verify)


def verify(
    truth: TruthFile = None,
    wait: Wait = None,
    facts: Facts = False,
    incremental: Incremental = False,
    nightly: Nightly = False,
    as_json: Json = False,
) -> None:
    """Check that every record has exactly one outcome, and that rows, rollups and dead letters agree."""
    from streams.settings import load_settings

    if incremental or nightly:
        if (incremental and nightly) or truth or wait or facts:
            raise ConfigurationError("--incremental and --nightly go with --json only: leave the others out")
        verify_remembering(load_settings(), "incremental" if incremental else "nightly", as_json=as_json)
        return
    asked = Asked(truth, span_option("--wait", wait), facts)
    ledger, settled = asyncio.run(_verify(load_settings(), asked))
    for note in settled.notes:
        print(f"note: {note}", file=sys.stderr)
    if as_json:
        print(json.dumps({**ledger.as_json(), "notes": settled.notes}, indent=2))
    else:
        _show(ledger)
    if not ledger.ok:
        count = len(ledger.differences)
        raise CheckFailedError(f"the ledger does not add up: {count} {'difference' if count == 1 else 'differences'}")


async def _verify(settings: "Settings", asked: Asked) -> tuple["Ledger", Settled]:
    from connectors.timescale.connection import connection_to
    from connectors.timescale.fact_check import check_failing
    from connectors.timescale.ledger import read_ledger
    from connectors.timescale.schema_check import check_schema
    from connectors.timescale.truth_check import check_truth, read_truth

    truth = read_truth(asked.truth_file) if asked.truth_file else None
    async with connection_to(ledger_dsn(settings)) as connection:
        await check_schema(connection)
        settled = Settled() if asked.wait is None else await wait_until_settled(settings, connection, asked.wait)
        # One snapshot: a worker may go on writing meanwhile.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("SET LOCAL work_mem = '64MB'")
            ledger = (await read_ledger(connection)).with_differences(settled.differences)
            ledger = ledger.with_differences(await check_failing(connection))
            ledger = ledger.with_differences(await _fold_again(connection) if asked.folds_facts else ())
            if truth is None:
                return ledger, settled
            judged = await check_truth(connection, truth)
            notes = (*settled.notes, *judged.notes)
            return ledger.with_differences(judged.differences), replace(settled, notes=notes)


async def _fold_again(connection: "asyncpg.Connection") -> list[str]:
    from connectors.timescale.derived_check import check_derived
    from connectors.timescale.fact_check import check_facts
    from connectors.timescale.fact_store import foldings
    from streams.facts.kinds import KEYED

    return [*await check_facts(connection, foldings(), KEYED), *await check_derived(connection)]


def ledger_dsn(settings: "Settings") -> str:
    """The owner's address where there is one: personal columns count in rollups, and only the owner reads them."""
    return settings.owner_dsn() if settings.owner_url else settings.worker_dsn()


async def wait_until_settled(settings: "Settings", connection: "asyncpg.Connection", wait: timedelta) -> Settled:
    """Wait, at most `wait`, until each fence is at its partition's end, and what follows from the rows is done.

    That is: dead letters relayed, hours added up, facts folded (but for keys whose fold failed), minutes of devices judged
    that have rested.
    """
    from connectors.kafka.options import access_from
    from connectors.kafka.positions import read_positions
    from connectors.timescale.fact_store import foldings
    from connectors.timescale.ledger import read_partitions
    from connectors.timescale.refolds import count_waiting
    from connectors.timescale.sla import count_due
    from schemas.tables import ROLLUPS
    from schemas.topics import INGEST_TOPICS

    access, topics = access_from(settings), [topic.name for topic in INGEST_TOPICS]
    deadline = time.monotonic() + wait.total_seconds()
    while True:
        spans = await read_positions(access, topics)
        lines = await read_partitions(connection)
        unrelayed = await connection.fetchval("SELECT count(*) FROM ingest.dead_letter WHERE relayed_at IS NULL")
        stale = await connection.fetchval(_STALE_HOURS, [rollup.hour for rollup in ROLLUPS])
        deferred = await connection.fetchval("SELECT coalesce(sum(deltas), 0) FROM ingest.deferred_minutes")
        notes = open_notes(lines, spans, unrelayed, stale, deferred) + folding_notes(
            await count_waiting(connection, foldings())
        )
        notes += judging_notes(await count_due(connection))
        if not notes or time.monotonic() > deadline:
            return Settled(tuple(notes), tuple(beyond_the_end(lines, spans)))
        await asyncio.sleep(POLL_S)


def lag_by_topic(lines: Sequence["PartitionLine"], spans: Mapping[tuple[str, int], "OffsetSpan"]) -> Counter[str]:
    """Records that wait, per topic; a partition never claimed waits with all it has."""
    fences = {line.place: line.next_offset for line in lines}
    lag: Counter[str] = Counter()
    for (topic, partition), span in spans.items():
        lag[topic] += max(0, span.end - fences.get((topic, partition), span.first))
    return lag


def open_notes(
    lines: Sequence["PartitionLine"],
    spans: Mapping[tuple[str, int], "OffsetSpan"],
    unrelayed: int,
    stale_hours: int,
    deferred: int,
) -> list[str]:
    """What the worker has still to do, in words."""
    notes = [f"{topic}: {lag:,} records wait" for topic, lag in sorted(lag_by_topic(lines, spans).items()) if lag]
    if unrelayed:
        notes.append(f"{unrelayed:,} dead letters are not relayed yet")
    if deferred:
        notes.append(f"{deferred:,} minutes are not added up yet")
    if stale_hours:
        notes.append(f"{stale_hours:,} hours are not added up yet")
    return notes


def folding_notes(waiting: "Waiting") -> list[str]:
    """What is still to be folded, in words."""
    return [f"{waiting.marks:,} marks of facts are not folded yet"] if waiting.marks else []


def judging_notes(due: int) -> list[str]:
    """Which minutes wait to be judged by SLA profiles, in words."""
    return [f"{due:,} minutes of devices are not judged yet"] if due else []


def beyond_the_end(lines: Sequence["PartitionLine"], spans: Mapping[tuple[str, int], "OffsetSpan"]) -> list[str]:
    """Fences that are past the end of their partition: the topic was created again, or rolled back."""
    return [
        f"{line.topic}[{line.partition}]: the fence is at {line.next_offset}, the topic ends at {spans[line.place].end}: "
        "was it created again? (`quaystream offsets reset`)"
        for line in lines
        if line.place in spans and line.next_offset > spans[line.place].end
    ]


def _show(ledger: "Ledger") -> None:
    columns = ("accepted", "duplicate", "rejected", "missing", "difference")
    table = Table("topic", "partitions", *columns, box=None, pad_edge=False)
    # A back-fill topic that nothing was ever sent to says nothing; --json has it.
    topics = sorted(
        {
            line.topic
            for line in ledger.partitions
            if not is_backfill(line.topic) or line.next_offset > line.first_offset
        }
    )
    for topic in topics:
        lines = [line for line in ledger.partitions if line.topic == topic]
        totals = (sum(getattr(line, name) for line in lines) for name in columns)
        table.add_row(topic, str(len(lines)), *(f"{total:,}" for total in totals))
    if topics:
        print_table(table)
    for difference in ledger.differences:
        print(difference)
    if ledger.ok:
        records = sum(line.next_offset - line.first_offset for line in ledger.partitions)
        print(f"Everything adds up: {records:,} records, each with exactly one outcome.")
