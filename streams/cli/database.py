"""Preparing the database and keeping it small: `migrate`, `retention`."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from streams.cli.paper import print_table
from streams.cli.span import span_option

if TYPE_CHECKING:
    from connectors.timescale.retention import Kept, Removal
    from streams.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
OlderThan = Annotated[str | None, typer.Option(metavar="AGE", help="Instead of the raw retention, for example 90d.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")]


def register(app: typer.Typer) -> None:
    app.command()(migrate)
    app.command()(retention)


def migrate(as_json: Json = False) -> None:
    """Bring the database to the current schema and fill in the declared sites and assets."""
    from connectors.timescale.migrate import migrate as apply_migrations
    from streams.settings import load_settings

    applied = apply_migrations(load_settings().owner_dsn())
    if as_json:
        print(json.dumps({"applied": applied}))
        return
    for name in applied:
        print(f"applied {name}")
    print("The database is current." if applied else "Nothing to do, the database is current.")


def retention(older_than: OlderThan = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Remove raw rows that are older than what is kept, and dead letters and gaps older than a year.

    Only whole days go. What `QUAYSTREAM_MAX_AGE` lets in is never removed, whatever AGE says.
    """
    from streams.settings import load_settings

    settings = load_settings()
    raw = span_option("--older-than", older_than) or settings.raw_retention
    kept, removals = asyncio.run(_retain(settings, raw, dry_run))
    if as_json:
        print(json.dumps(_answer(kept, removals, dry_run), indent=2))
    else:
        _show(kept, removals, dry_run)


async def _retain(settings: "Settings", raw: timedelta, dry_run: bool) -> tuple["Kept", list["Removal"]]:
    from connectors.timescale.connection import connection_to
    from connectors.timescale.retention import effective_kept, find_expired, retire_expired
    from connectors.timescale.schema_check import check_schema

    async with connection_to(settings.worker_dsn()) as connection:
        await check_schema(connection)
        kept = await effective_kept(connection, raw, settings.max_age)
        work = find_expired if dry_run else retire_expired
        return kept, await work(connection, kept, datetime.now(UTC))


def _show(kept: "Kept", removals: list["Removal"], dry_run: bool) -> None:
    from streams.settings import span_text

    table = Table("table", "rows", "ended before", box=None, pad_edge=False)
    for removal in removals:
        table.add_row(removal.table, f"{removal.rows:,}", f"{removal.older_than:%Y-%m-%d %H:%M} UTC")
    print_table(table)
    what = "would be removed" if dry_run else "removed"
    total = sum(removal.rows for removal in removals)
    print(f"{total:,} rows {what}; raw rows are kept {span_text(kept.raw)}, evidence {span_text(kept.evidence)}.")


def _answer(kept: "Kept", removals: list["Removal"], dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "raw_kept_s": kept.raw.total_seconds(),
        "evidence_kept_s": kept.evidence.total_seconds(),
        "removed": {removal.table: removal.rows for removal in removals},
    }
