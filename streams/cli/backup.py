"""The local stack's database copied and put back: `backup`, `restore`."""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from schemas.errors import ConfigurationError, ServiceUnreachableError
from streams.cli.paper import print_table
from streams.cli.stack import make_stack, show_step

if TYPE_CHECKING:
    from deploy.local.backups import Backup, Backups
    from streams.settings import Settings

List = Annotated[bool, typer.Option("--list", help="Only list the backups there are.")]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
Name = Annotated[str | None, typer.Argument(metavar="[BACKUP]", help="By its name; the last that fits by default.")]
To = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="Go back to this moment; as far as possible by default.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    app.command()(backup)
    app.command()(restore)


def backup(only_list: List = False, as_json: Json = False) -> None:
    """Copy the local stack's database while it works, and from the first time on keep its log.

    Backups and log lie in `timescaledb` of QUAYSTREAM_HOME: copy `backups` and `archive` to another disk, the log last.
    """
    began = time.monotonic()
    if only_list:
        _show(_backups().known(), as_json)
        return
    made = _backups().create(show_step)
    if as_json:
        print(json.dumps({**_entry(made), "seconds": round(time.monotonic() - began, 1)}))
    else:
        print(f"{made.name}: {made.bytes() / 1e6:,.0f} MB in {time.monotonic() - began:.1f} s, in {made.path}")


def restore(name: Name = None, to: To = None, yes: Yes = False) -> None:
    """Put a backup in the place of the local stack's data and go on to a moment, by the log. Stop all workers first.

    The data before is kept beside it. Workers go on where the restored database stands: what came later they read again
    from Kafka, as far as Kafka still has it.
    """
    from streams.settings import load_settings

    moment = _moment(to)
    _confirm(yes)
    done = _backups().restore(name, moment, show_step)
    print(f"Restored from {done.backup.name} in {done.seconds:.1f} s.")
    if done.replaced is not None:
        print(f"The data before is in {done.replaced}: remove it when you need it no more.")
    asyncio.run(_say_what_follows(load_settings()))


def _backups() -> "Backups":
    from deploy.local.backups import Backups

    return Backups(make_stack())


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"--to {text} is not a time: write for example 2026-01-31T06:00:00Z") from error
    if moment.tzinfo is None:
        raise ConfigurationError(f"--to {text} has no offset: write for example {text}Z")
    return moment.astimezone(UTC)


def _confirm(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError("the database would be replaced and there is nobody to ask: add --yes")
    typer.confirm("Stop the database and put a backup in its place? Its data is kept beside.", abort=True)


async def _say_what_follows(settings: "Settings") -> None:
    """The start-up check, and what workers will read again; raises ConfigurationError when the database is not whole."""
    from connectors.kafka.options import access_from
    from connectors.kafka.positions import read_positions
    from connectors.timescale.connection import connection_to
    from connectors.timescale.ledger import read_partitions
    from connectors.timescale.schema_check import check_schema

    async with connection_to(settings.worker_dsn()) as connection:
        await check_schema(connection)
        lines = await read_partitions(connection)
    try:
        spans = await read_positions(access_from(settings), {line.topic for line in lines}) if lines else {}
    except ServiceUnreachableError:
        print("The database is whole. Kafka does not answer: what will be read again is not known.")
        return
    waiting = sum(max(0, spans[line.place].end - line.next_offset) for line in lines if line.place in spans)
    lost = sum(max(0, spans[line.place].first - line.next_offset) for line in lines if line.place in spans)
    print(f"The database is whole. {waiting - lost:,} records are read again from Kafka when a worker starts.")
    if lost:
        print(f"{lost:,} records are no longer in Kafka: they will be recorded as missing (ingest.lost_range).")


def _show(found: "list[Backup]", as_json: bool) -> None:
    if as_json:
        print(json.dumps([_entry(one) for one in found], indent=2))
        return
    table = Table("backup", "began", "MB", box=None, pad_edge=False)
    for one in found:
        table.add_row(one.name, f"{one.began:%Y-%m-%d %H:%M:%S} UTC", f"{one.bytes() / 1e6:,.0f}")
    if found:
        print_table(table)
    else:
        print("There is no backup yet: `quaystream backup` makes one.")


def _entry(one: "Backup") -> dict[str, object]:
    return {"backup": one.name, "began": one.began.isoformat(), "bytes": one.bytes(), "path": str(one.path)}
