"""`offsets show` and `offsets reset`: the fence rows, which say how far each partition is."""

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from schemas.errors import ConfigurationError
from streams.cli.paper import print_table

if TYPE_CHECKING:
    import asyncpg

    from connectors.kafka.positions import OffsetSpan
    from streams.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
Topic = Annotated[str, typer.Argument(help="An event topic, for example crane-events.")]
Partition = Annotated[int | None, typer.Option(min=0, help="Only this partition; all by default.")]
To = Annotated[str, typer.Option(metavar="earliest|latest|OFFSET", help="Where to start anew.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

_ROWS = """
SELECT consumer_group, topic, partition, first_offset, next_offset, epoch, owner, updated_at
FROM ingest.partition_offset ORDER BY consumer_group, topic, partition
"""


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="The fence rows: how far each partition is.", no_args_is_help=True)
    group.command()(show)
    group.command()(reset)
    app.add_typer(group, name="offsets")


def show(as_json: Json = False) -> None:
    """Show how far each partition is, and who moved it last."""
    from streams.settings import load_settings

    rows = asyncio.run(_rows(load_settings()))
    if as_json:
        print(json.dumps([{**row, "updated_at": row["updated_at"].isoformat()} for row in rows], indent=2))
        return
    table = Table("topic", "partition", "first", "next", "epoch", "owner", "updated", box=None, pad_edge=False)
    for row in rows:
        numbers = (row["partition"], row["first_offset"], row["next_offset"], row["epoch"])
        table.add_row(
            row["topic"], *map(str, numbers), row["owner"] or "-", f"{row['updated_at']:%Y-%m-%d %H:%M:%S} UTC"
        )
    if rows:
        print_table(table)
    else:
        print("No worker has claimed a partition yet.")


def reset(topic: Topic, to: To, partition: Partition = None, yes: Yes = False) -> None:
    """Start partitions anew at an offset, after a topic was created again or its history is given up.

    The outcomes counted so far are set aside, rows stay. Records that are read again are recognised as
    duplicates; records that are skipped are not counted at all. Stop every worker first.
    """
    from streams.settings import load_settings

    _check_target(to)
    settings = load_settings()
    offsets = asyncio.run(_targets(settings, topic, partition, to))
    _confirm(topic, offsets, yes)
    done = asyncio.run(_reset(settings, topic, offsets))
    for number in done:
        print(f"{topic}[{number}] starts anew at {offsets[number]}")
    if not done:
        print(f"No worker has claimed {topic} yet, there is nothing to reset.")


async def _rows(settings: "Settings") -> list["asyncpg.Record"]:
    from connectors.timescale.connection import connection_to

    async with connection_to(settings.worker_dsn()) as connection:
        return list(await connection.fetch(_ROWS))


async def _targets(settings: "Settings", topic: str, partition: int | None, to: str) -> dict[int, int]:
    """The offset of each partition, after making sure that no worker is in the group."""
    from connectors.kafka.options import access_from
    from connectors.kafka.positions import read_members, read_positions

    access = access_from(settings)
    spans = {number: span for (_, number), span in (await read_positions(access, [topic])).items()}
    if not spans or (partition is not None and partition not in spans):
        what = topic if partition is None else f"{topic}[{partition}]"
        message = f"{what} does not exist at {settings.brokers}: `quaystream offsets show` lists what is known"
        raise ConfigurationError(message)
    members = await read_members(access, settings.group)
    if members:
        message = f"{len(members)} workers are in group {settings.group}: stop them first, a reset under them is undone"
        raise ConfigurationError(message)
    chosen = spans if partition is None else {partition: spans[partition]}
    return {number: _offset(to, span) for number, span in chosen.items()}


def _offset(to: str, span: "OffsetSpan") -> int:
    if to == "earliest":
        return span.first
    if to == "latest":
        return span.end
    if not span.first <= int(to) <= span.end:
        message = f"--to {to} is not in the topic, which has {span.first} to {span.end}: write an offset between"
        raise ConfigurationError(message)
    return int(to)


async def _reset(settings: "Settings", topic: str, offsets: dict[int, int]) -> list[int]:
    from connectors.timescale.connection import connection_to
    from connectors.timescale.reset import reset_offsets

    async with connection_to(settings.owner_dsn()) as connection:
        return await reset_offsets(connection, settings.group, topic, offsets)


def _check_target(to: str) -> None:
    if to not in ("earliest", "latest") and not to.isdecimal():
        message = f"--to {to} is not an offset: write earliest, latest or a number"
        raise ConfigurationError(message)


def _confirm(topic: str, offsets: dict[int, int], yes: bool) -> None:
    if yes:
        return
    what = f"{len(offsets)} partitions of {topic} would start anew"
    if not sys.stdin.isatty():
        message = f"{what} and there is nobody to ask: add --yes"
        raise ConfigurationError(message)
    typer.confirm(f"{what}. Go on?", abort=True)
