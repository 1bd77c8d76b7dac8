"""`export`: rows of a table to a Parquet or CSV file, or as messages of trade; without personal columns."""

import asyncio
import enum
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from schemas.egress import HOME
from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa

    from streams.settings import Settings


class Format(enum.StrEnum):
    """What is written."""

    PARQUET = "parquet"
    CSV = "csv"
    CODECO = "codeco"
    COARRI = "coarri"
    DCSA = "dcsa"
    TIC = "tic"
    TIC_FLAT = "tic-flat"


Table = Annotated[str, typer.Argument(help="For example port.crane_minute.")]
Since = Annotated[str | None, typer.Option("--from", metavar="TIME", help="First time, like 2026-01-31T06:00:00Z.")]
Until = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Time after the last, not included.")]
As = Annotated[Format, typer.Option("--format", help="What to write.")]
Sender = Annotated[str, typer.Option(help="Of messages: who writes; for DCSA an SMDG code.")]
Recipient = Annotated[str, typer.Option(help="Of EDIFACT: who reads.")]
Offset = Annotated[str, typer.Option(metavar="OFFSET", help="Of EDIFACT: the offset of its local times.")]
Destination = Annotated[
    str, typer.Option(metavar="CC", help="The country it is for (ISO 3166). Abroad needs an approved transfer.")
]
Out = Annotated[Path, typer.Option(metavar="FILE", help="Where to write; must not exist yet.")]


def register(app: typer.Typer) -> None:
    app.command()(export)


def export(  # noqa: PLR0913, PLR0917  (one per option)
    table: Table,
    out: Out,
    since: Since = None,
    until: Until = None,
    form: As = Format.PARQUET,
    sender: Sender = "QUAYSTREAM",
    recipient: Recipient = "PARTNER",
    offset: Offset = "+07:00",
    destination: Destination = HOME,
) -> None:
    """Write the rows of a table between two times to a file. Personal columns are always left out.

    The egress guard lets it pass or not, by the classes of the columns and the country it is for; both are audited.

    codeco and coarri are of port.cargo_milestone, dcsa also of port.vessel_milestone, tic of port.crane_sample,
    port.crane_status, port.crane_fault and port.crane_job.
    """
    from streams.settings import load_settings

    if out.exists():
        message = f"{out} exists already: remove it or choose another name"
        raise ConfigurationError(message)
    span = (_time("--from", since), _time("--to", until))
    if form not in (Format.PARQUET, Format.CSV):
        from streams.cli.export_messages import export_messages

        parties = (sender, recipient, _checked_offset(offset))
        asyncio.run(_let_pass(load_settings(), table, destination))
        print(asyncio.run(export_messages(load_settings(), table, span, (out, form.value), parties)))
        return
    asyncio.run(_let_pass(load_settings(), table, destination))
    rows, columns = asyncio.run(_export(load_settings(), table, span, (out, form)))
    print(f"{rows:,} rows with {columns} columns of {table} are in {out}.")


async def _let_pass(settings: "Settings", table: str, destination: str) -> None:
    """Ask the egress guard, by the classes of what would be written. Raises EgressRefusedError."""
    from connectors.sharing.audit import Attempt, guard
    from connectors.timescale.connection import connection_to
    from connectors.timescale.extract import plan_extract
    from schemas.derived import column_class

    async with connection_to(settings.reader_dsn() if settings.reader_url else settings.worker_dsn()) as connection:
        extract = await plan_extract(connection, table)
        # What has no class (the ledger, definitions, sums by day) may hold anything: it stays at home.
        found = [column_class(extract.table, name) for name in extract.schema.names]
        classes = tuple(sorted({one.name if one else "important" for one in found}))
        attempt = Attempt("export", extract.table, destination=destination, classes=classes)
        await guard(connection, attempt, classes, datetime.now(UTC))


async def _export(
    settings: "Settings", table: str, span: tuple[datetime | None, datetime | None], target: tuple[Path, Format]
) -> tuple[int, int]:
    from connectors.timescale.connection import connection_to
    from connectors.timescale.extract import plan_extract, read_batches

    # The reader may not even ask for personal columns; without its address the worker's does, less some tables.
    dsn = settings.reader_dsn() if settings.reader_url else settings.worker_dsn()
    rows = 0
    async with connection_to(dsn) as connection:
        extract = await plan_extract(connection, table)
        with _progress(table) as progress, _writer(*target, extract.schema) as writer:
            async for batch in read_batches(connection, extract, *span):
                writer.write_batch(batch)
                rows += batch.num_rows
                progress.update(progress.task_ids[0], description=f"{table}: {rows:,} rows")
    return rows, len(extract.schema)


@contextmanager
def _writer(out: Path, form: Format, schema: "pa.Schema") -> Iterator["pa.RecordBatchWriter"]:
    """Writes beside the file and renames at the end, so that the name never holds half an export."""
    partial = out.with_name(f"{out.name}.partial")
    try:
        with _open(partial, form, schema) as writer:
            yield writer
        partial.rename(out)
    except ConnectionError:
        raise
    except OSError as error:
        message = f"cannot write {out} ({error.strerror or error}): choose another file"
        raise ConfigurationError(message) from error
    finally:
        partial.unlink(missing_ok=True)


def _open(file: Path, form: Format, schema: "pa.Schema") -> AbstractContextManager["pa.RecordBatchWriter"]:
    import pyarrow.csv
    import pyarrow.parquet

    writer: AbstractContextManager[pa.RecordBatchWriter]
    if form is Format.CSV:
        writer = pyarrow.csv.CSVWriter(file, schema)
    else:
        writer = pyarrow.parquet.ParquetWriter(file, schema, compression="zstd")
    return writer


@contextmanager
def _progress(table: str) -> Iterator[Progress]:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task(table, total=None)
        yield progress


def _checked_offset(text: str) -> str:
    from connectors.messages.partner import Partner, checked

    return checked(Partner, {"offset": text}, "--offset").offset


def _time(option: str, text: str | None) -> datetime | None:
    """A time without an offset is UTC."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{option} {text} is not a time: write for example 2026-01-31 or 2026-01-31T06:00:00+07:00"
        raise ConfigurationError(message) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
