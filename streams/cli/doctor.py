"""`doctor`: one page that says whether everything a worker needs is there, and what is wrong if not."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from rich.table import Column, Table

from schemas.errors import CheckFailedError, ConfigurationError, ServiceUnreachableError
from streams.cli.paper import print_table

if TYPE_CHECKING:
    import asyncpg

    from connectors.kafka.positions import OffsetSpan
    from connectors.timescale.ledger import PartitionLine
    from streams.settings import Settings

ANSWER_S: Final = 3.0
State = Literal["ok", "note", "wrong", "unreachable"]
Spans = Mapping[tuple[str, int], "OffsetSpan"]
MARKS: Final[Mapping[State, str]] = {
    "ok": "[green]ok[/green]",
    "note": "[dim]note[/dim]",
    "wrong": "[red]wrong[/red]",
    "unreachable": "[red]unreachable[/red]",
}
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the page."""

    what: str
    state: State
    detail: str


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(as_json: Json = False) -> None:
    """Look at settings, broker, database and workers. Exit 1 if something is wrong, 3 if something does not answer."""
    from streams.settings import load_settings

    settings = load_settings()
    findings = [Finding("settings", "ok", f"group {settings.group}"), *asyncio.run(examine(settings))]
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    conclude(findings)


async def examine(settings: "Settings") -> list[Finding]:
    """Everything there is to say, broker first; never raises for what is merely absent."""
    broker, spans = await _examine_broker(settings)
    return [*broker, *await _examine_database(settings, spans), *examine_workers(settings)]


def conclude(findings: Iterable[Finding]) -> None:
    """Raises the error whose exit code fits the worst finding."""
    by_state: dict[State, list[str]] = {}
    for finding in findings:
        by_state.setdefault(finding.state, []).append(finding.what)
    if "unreachable" in by_state:
        raise ServiceUnreachableError(f"no answer from: {', '.join(by_state['unreachable'])}")
    if "wrong" in by_state:
        raise CheckFailedError(f"not as it should be: {', '.join(by_state['wrong'])}")


async def _examine_broker(settings: "Settings") -> tuple[list[Finding], Spans | None]:
    from connectors.kafka.options import access_from
    from connectors.kafka.positions import read_positions
    from schemas.topics import load_topics

    try:
        spans = await read_positions(access_from(settings), load_topics())
    except ServiceUnreachableError as error:
        return [Finding("broker", "unreachable", str(error))], None
    except ConfigurationError as error:
        return [Finding("broker", "wrong", str(error))], None
    missing = sorted(set(load_topics()) - {topic for topic, _ in spans})
    topics = Finding("topics", "ok", f"{len(load_topics())} are there")
    if missing:
        topics = Finding(
            "topics", "wrong", f"missing: {', '.join(missing)}; create them with `quaystream topics apply`"
        )
    return [Finding("broker", "ok", settings.brokers), topics], spans


async def _examine_database(settings: "Settings", spans: Spans | None) -> list[Finding]:
    from connectors.timescale.connection import connection_to
    from connectors.timescale.schema_check import check_schema
    from streams.settings import mask

    found = []
    try:
        async with connection_to(settings.worker_dsn()) as connection:
            found.append(Finding("database", "ok", mask(settings.database_url)))
            await check_schema(connection)
            found.append(Finding("schema", "ok", "is current"))
            found += await _examine_contents(connection, settings, spans)
    except ServiceUnreachableError as error:
        found.append(Finding("database", "unreachable", str(error)))
    except ConfigurationError as error:
        found.append(Finding("schema" if found else "database", "wrong", str(error)))
    return found


async def _examine_contents(
    connection: "asyncpg.Connection", settings: "Settings", spans: Spans | None
) -> list[Finding]:
    from connectors.timescale.ledger import read_partitions

    lines = await read_partitions(connection)
    return [
        _group(settings.group, {line.consumer_group for line in lines}),
        _ledger(lines),
        *(_lag(lines, spans) if spans is not None else ()),
        _dead_letters(await connection.fetch(_DEAD_LETTERS)),
        _pauses(await connection.fetch(_PAUSES)),
    ]


def _group(configured: str, stored: set[str]) -> Finding:
    others = sorted(stored - {configured})
    if others:
        detail = f"QUAYSTREAM_GROUP is {configured}, but this database belongs to {others[0]}: set it to that"
        return Finding("consumer group", "wrong", detail)
    if not stored:
        return Finding("consumer group", "note", "no worker has run on this database yet")
    return Finding("consumer group", "ok", configured)


def _ledger(lines: Sequence["PartitionLine"]) -> Finding:
    from connectors.timescale.ledger import check_partitions

    differences = check_partitions(lines)
    if differences:
        return Finding("ledger", "wrong", f"{differences[0]}; `quaystream verify` lists everything")
    records = sum(line.next_offset - line.first_offset for line in lines)
    return Finding("ledger", "ok", f"{records:,} records, each with one outcome")


def _lag(lines: Sequence["PartitionLine"], spans: Spans) -> Iterator[Finding]:
    from schemas.topics import INGEST_TOPICS
    from streams.cli.verify import beyond_the_end, lag_by_topic

    topics = {topic.name for topic in INGEST_TOPICS}
    lag = lag_by_topic(lines, {place: span for place, span in spans.items() if place[0] in topics})
    waiting = ", ".join(f"{topic} {records:,}" for topic, records in sorted(lag.items()) if records)
    if lag:
        yield Finding("lag", "note" if waiting else "ok", f"{waiting} records wait" if waiting else "no record waits")
    for problem in beyond_the_end(lines, spans):
        yield Finding("offsets", "wrong", problem)


def _dead_letters(rows: Sequence[Any]) -> Finding:
    if not rows:
        return Finding("dead letters", "ok", "none")
    shown = ", ".join(f"{row['reason']} {row['letters']:,}" for row in rows)
    waiting = sum(row["unrelayed"] for row in rows)
    return Finding("dead letters", "note", shown + (f"; {waiting:,} not relayed yet" if waiting else ""))


def _pauses(rows: Sequence[Any]) -> Finding:
    if not rows:
        return Finding("paused", "ok", "no partition is")
    shown = ", ".join(f"{row['topic']}[{row['partition']}]" for row in rows)
    return Finding("paused", "wrong", f"{shown} ({rows[0]['detail']}); lift it with `quaystream dead-letters resume`")


def examine_workers(settings: "Settings") -> list[Finding]:
    """Ask every worker that announced itself on this machine whether it is ready."""
    from deploy.local.home import Home
    from deploy.local.workers import running

    addresses = [address.removesuffix("/metrics") for address in running(Home(settings.home))]
    if not addresses:
        return [Finding("workers", "note", "none announces itself on this machine")]
    return [_worker(address) for address in addresses]


def _worker(address: str) -> Finding:
    what = f"worker {address.removeprefix('http://')}"
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=ANSWER_S):  # noqa: S310 -- our own http address
            return Finding(what, "ok", "is ready")
    except urllib.error.HTTPError as error:
        said = error.read(200).decode("utf-8", "replace").strip()
        return Finding(what, "wrong", f"is not ready: {said or error.code}")
    except OSError as error:
        return Finding(what, "unreachable", f"does not answer ({type(error).__name__})")


def _show(findings: Iterable[Finding]) -> None:
    table = Table("what", "state", Column("detail", overflow="fold"), box=None, pad_edge=False)
    for finding in findings:
        table.add_row(finding.what, MARKS[finding.state], finding.detail)
    print_table(table)


_DEAD_LETTERS = """
SELECT reason, count(*) AS letters, count(*) FILTER (WHERE relayed_at IS NULL) AS unrelayed
FROM ingest.dead_letter GROUP BY reason ORDER BY letters DESC, reason
"""
_PAUSES = """
SELECT topic, partition, detail FROM ingest.partition_pause WHERE resumed_at IS NULL ORDER BY topic, partition
"""
