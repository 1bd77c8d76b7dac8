"""`export` of trade messages: rows of a raw table as CODECO, COARRI, DCSA or TIC4.0, to a file."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from schemas.errors import CheckFailedError, ConfigurationError

if TYPE_CHECKING:
    from connectors.messages.writing import Writing
    from streams.settings import Settings

# They are written at once: the messages say how many there are.
_MOST_ROWS: Final = 500_000


async def export_messages(
    settings: "Settings",
    table: str,
    span: tuple[datetime | None, datetime | None],
    target: tuple[Path, str],
    parties: tuple[str, str, str],
) -> str:
    """Write them, and say what was written. `parties`: sender, recipient, offset of local times.

    Raises ConfigurationError, and CheckFailedError where rows are in no message; the others are written.
    """
    from connectors.messages.writing import WRITINGS, Letter

    out, form = target
    sender, recipient, offset = parties
    writing = WRITINGS[form]
    events = await _events(settings, table, span, writing)
    carried = [event for event in events if writing.carries(event)]
    written = writing.write(carried, Letter(sender, recipient, datetime.now(UTC).replace(microsecond=0), offset))
    _save(out, written.content)
    for line in written.refused:
        print(f"{table}: {line}", file=sys.stderr)
    passed = len(events) - len(carried)
    left_out = f"; {passed:,} rows are nothing that {form} reports" if passed else ""
    if written.refused:
        raise CheckFailedError(
            f"{len(written.refused)} of {len(carried)} events are in no message; {written.events} are in {out}"
        )
    return f"{written.events:,} events of {table} are in {out} as {form}{left_out}."


async def _events(
    settings: "Settings", table: str, span: tuple[datetime | None, datetime | None], writing: "Writing"
) -> list[dict[str, Any]]:
    from connectors.messages.stored import event_of
    from connectors.timescale.connection import connection_to
    from connectors.timescale.extract import plan_extract, read_batches
    from schemas.tables import RAW_BY_NAME

    dsn = settings.reader_dsn() if settings.reader_url else settings.worker_dsn()
    events: list[dict[str, Any]] = []
    async with connection_to(dsn) as connection:
        extract = await plan_extract(connection, table)
        if extract.table not in writing.tables:
            raise ConfigurationError(
                f"{extract.table} has nothing for this format: name one of {', '.join(writing.tables)}"
            )
        raw = RAW_BY_NAME[extract.table]
        async for batch in read_batches(connection, extract, *span):
            events += [event_of(row, raw) for row in batch.to_pylist()]
            if len(events) > _MOST_ROWS:
                raise ConfigurationError(f"more than {_MOST_ROWS:,} rows of {table}: give --from and --to")
    return events


def _save(out: Path, content: bytes) -> None:
    partial = out.with_name(f"{out.name}.partial")
    try:
        partial.write_bytes(content)
        partial.rename(out)
    except OSError as error:
        raise ConfigurationError(f"cannot write {out} ({error.strerror or error}): choose another file") from error
    finally:
        partial.unlink(missing_ok=True)
