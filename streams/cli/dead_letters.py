"""`dead-letters`: look at refused records, send them back after a fix, and lift the pause of a partition."""

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from schemas.errors import CheckFailedError, ConfigurationError
from schemas.outcome import Reason
from streams.cli.dead_letter_view import as_json_value, content_of, preview, printable, row_of, text_of

if TYPE_CHECKING:
    import asyncpg

    from connectors.kafka.producer import Publisher
    from connectors.timescale.dead_letters import DeadLetter, Place, Summary, Which
    from streams.settings import Settings

WIDE = 160

TopicOption = Annotated[str | None, typer.Option("--topic", help="Refused from this topic.")]
ReasonOption = Annotated[Reason | None, typer.Option("--reason", metavar="REASON", help="Refused for this reason.")]
Since = Annotated[str | None, typer.Option(metavar="SPAN|TIME", help="Refused since: 2h, 7d, 2026-01-01T00:00:00Z.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many, the newest.")]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
TopicName = Annotated[str, typer.Argument(metavar="TOPIC", help="The topic the record was in.")]
Partition = Annotated[int, typer.Argument(metavar="PARTITION")]
Offset = Annotated[int, typer.Argument(metavar="OFFSET")]
MaybeTopic = Annotated[str | None, typer.Argument(metavar="TOPIC", help="The topic the record was in.")]
MaybePartition = Annotated[int | None, typer.Argument(metavar="PARTITION")]
MaybeOffset = Annotated[int | None, typer.Argument(metavar="OFFSET")]
ResumeTopic = Annotated[str | None, typer.Argument(metavar="TOPIC", help="Only this topic.")]
ResumePartition = Annotated[int | None, typer.Argument(metavar="PARTITION", help="Only this partition.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="Refused records: look at them, replay them, resume what they paused.", no_args_is_help=True
    )
    group.command("list")(list_letters)
    for command in (show, replay, resume):
        group.command()(command)
    app.add_typer(group, name="dead-letters")


def list_letters(
    topic: TopicOption = None,
    reason: ReasonOption = None,
    since: Since = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List refused records, the newest first."""
    total, letters = asyncio.run(_list(_which(topic, reason, since), limit))
    if as_json:
        print(json.dumps([as_json_value(letter) for letter in letters], indent=2))
        return
    table = Table("received", "record", "reason", "about", "bytes", "relayed", "replayed", "detail", box=None)
    for letter in letters:
        table.add_row(*row_of(letter))
    if letters:
        _console().print(table)
    print(f"{len(letters)} of {total} shown.")


def show(topic: TopicName, partition: Partition, offset: Offset, as_json: Json = False) -> None:
    """Show one refused record: why, its headers, and what was in it."""
    summary, letter = asyncio.run(_find(topic, partition, offset))
    if as_json:
        print(json.dumps(as_json_value(summary) | content_of(letter), indent=2))
        return
    table = Table("", Column("", overflow="fold"), box=None, show_header=False, pad_edge=False)
    for name, value in as_json_value(summary).items():
        table.add_row(name, "-" if value is None else printable(str(value)))
    table.add_row("key", text_of(letter.key))
    for name, header in letter.headers:
        table.add_row(f"header {printable(name)}", text_of(header))
    _console().print(table)
    for line in preview(letter.value):
        print(line)


def replay(  # noqa: PLR0913, PLR0917  (one per option)
    topic: MaybeTopic = None,
    partition: MaybePartition = None,
    offset: MaybeOffset = None,
    topic_option: TopicOption = None,
    reason: ReasonOption = None,
    since: Since = None,
    yes: Yes = False,
) -> None:
    """Send refused records back to their topic, byte for byte: one, or all that match and were not replayed yet."""
    if topic is None:
        replayed = asyncio.run(_replay_all(_which(topic_option, reason, since), yes=yes))
    elif partition is None or offset is None or topic_option or reason or since:
        raise ConfigurationError("write TOPIC PARTITION OFFSET for one record, or only options for all that match")
    else:
        asyncio.run(_replay_one(topic, partition, offset))
        replayed = 1
    print(f"Replayed {replayed}.")


def resume(topic: ResumeTopic = None, partition: ResumePartition = None) -> None:
    """Let partitions go on that were paused for too many dead letters."""
    resumed = asyncio.run(_resume(topic, partition))
    for name, number in resumed:
        print(f"{name}/{number} goes on.")
    if not resumed:
        print("Nothing was paused.")


def _which(topic: str | None, reason: Reason | None, since: str | None) -> "Which":
    from connectors.timescale.dead_letters import Which

    return Which(topic, reason.value if reason else None, _moment(since))


def _moment(text: str | None) -> datetime | None:
    from connectors.kafka.outgoing import parse_time
    from streams.settings import parse_span

    if text is None:
        return None
    try:
        span = parse_span(text)
    except ValueError:
        moment = parse_time(text)
        if moment is None:
            raise ConfigurationError(
                f"--since {text}: write a span such as 2h or 7d, or a time such as 2026-01-01T00:00:00Z"
            ) from None
        return moment
    return datetime.now(UTC) - span if isinstance(span, timedelta) else None


def _settings() -> "Settings":
    from streams.settings import load_settings

    return load_settings()


async def _list(which: "Which", limit: int) -> tuple[int, list["Summary"]]:
    from connectors.timescale import dead_letters
    from connectors.timescale.connection import connection_to

    async with connection_to(_settings().worker_dsn()) as connection:
        letters = await dead_letters.summaries(connection, which, limit)
        return await dead_letters.count(connection, which), letters


async def _find(topic: str, partition: int, offset: int) -> tuple["Summary", "DeadLetter"]:
    from connectors.timescale.connection import connection_to

    async with connection_to(_settings().worker_dsn()) as connection:
        return await _find_with(connection, topic, partition, offset)


async def _find_with(
    connection: "asyncpg.Connection[asyncpg.Record]", topic: str, partition: int, offset: int
) -> tuple["Summary", "DeadLetter"]:
    from connectors.timescale import dead_letters

    found = await dead_letters.show(connection, topic, partition, offset)
    if found is None:
        raise CheckFailedError(
            f"no dead letter {topic}/{partition}/{offset}: `quaystream dead-letters list` shows them"
        )
    return found


async def _replay_one(topic: str, partition: int, offset: int) -> None:
    from connectors.kafka.relay import replay_one
    from connectors.timescale.connection import connection_to

    settings = _settings()
    async with connection_to(settings.worker_dsn()) as connection:
        _, letter = await _find_with(connection, topic, partition, offset)
        async with _publisher(settings) as publisher:
            await replay_one(connection, publisher, letter)


async def _replay_all(which: "Which", *, yes: bool) -> int:
    from dataclasses import replace

    from connectors.timescale import dead_letters
    from connectors.timescale.connection import connection_to

    settings = _settings()
    async with connection_to(settings.worker_dsn()) as connection:
        # What is refused again comes back as a new letter, which this run must leave alone.
        bounded = replace(which, until=await connection.fetchval("SELECT now()"))
        total = await dead_letters.count_unreplayed(connection, bounded)
        if total == 0:
            return 0
        _confirm(total, yes=yes)
        async with _publisher(settings) as publisher:
            return await _replay_batches(connection, publisher, bounded, total)


async def _replay_batches(
    connection: "asyncpg.Connection[asyncpg.Record]", publisher: "Publisher", which: "Which", total: int
) -> int:
    from connectors.kafka.relay import replay_batch

    console = Console(stderr=True)
    replayed = 0
    last: Place | None = None
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Replay", total=total)
        while replayed < total and (places := await replay_batch(connection, publisher, which, last)):
            replayed += len(places)
            last = places[-1]
            bar.update(task, completed=replayed)
    return replayed


async def _resume(topic: str | None, partition: int | None) -> Sequence[tuple[str, int]]:
    from connectors.timescale import dead_letters
    from connectors.timescale.connection import connection_to

    settings = _settings()
    async with connection_to(settings.worker_dsn()) as connection:
        return await dead_letters.resume(connection, settings.group, topic, partition)


def _publisher(settings: "Settings") -> "Publisher":
    from connectors.kafka.producer import Publisher
    from streams.cli.access import kafka_access

    # zstd: what came in well compressed must fit again.
    return Publisher(kafka_access(settings), "zstd")


def _confirm(total: int, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError(f"{total} dead letters would be replayed and there is nobody to ask: add --yes")
    typer.confirm(f"Replay {total} dead letters?", abort=True)


def _console() -> Console:
    """As wide as the terminal; where there is none, wide enough that no record's place is broken."""
    console = Console(highlight=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=WIDE)
