"""`verify --incremental` and `verify --nightly`: what was looked at is remembered, and the verdict says what it rests on."""

import asyncio
import json
from typing import TYPE_CHECKING

from schemas.errors import CheckFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.timescale.verification import Report, Scope
    from streams.settings import Settings


def verify_remembering(settings: "Settings", scope: "Scope", *, as_json: bool) -> None:
    """Verify, remember, tell. Raises CheckFailedError where something differs or something else verifies meanwhile."""
    report = asyncio.run(_verify(settings, scope))
    if as_json:
        print(json.dumps(answer(report), indent=2))
    else:
        print("\n".join(sentences(report)))
    if report.differences:
        count = len(report.differences)
        raise CheckFailedError(f"the ledger does not add up: {count} {'difference' if count == 1 else 'differences'}")


async def _verify(settings: "Settings", scope: "Scope") -> "Report":
    from connectors.timescale.connection import connection_to
    from connectors.timescale.nightly import verify_everything
    from connectors.timescale.schema_check import check_schema
    from connectors.timescale.verification import only_one, verify_changed

    # The worker's rights are enough: nothing here reads a personal column.
    async with connection_to(settings.worker_dsn()) as connection:
        await check_schema(connection)
        async with only_one(connection) as is_ours:
            if not is_ours:
                raise CheckFailedError("another verification is under way, maybe a worker's: try again in a moment")
            return await (verify_changed if scope == "incremental" else verify_everything)(connection)


def answer(report: "Report") -> dict[str, object]:
    """What `--json` says: as without these options, and what the verdict rests on."""
    return {
        "ok": not report.differences,
        "scope": report.scope,
        "partitions": [line.as_json() for line in report.partitions],
        "differences": list(report.differences),
        "covered": report.covered.as_json(),
        "seconds": round(report.seconds, 3),
    }


def sentences(report: "Report") -> "Iterator[str]":
    """The same for people."""
    covered = report.covered
    yield f"looked at now:   {covered.hours:,} hours of tables with {covered.rows:,} raw rows, in {report.seconds:.1f} s"
    if report.scope == "incremental":
        since = f", the oldest looked at {covered.oldest:%Y-%m-%d %H:%M} UTC" if covered.oldest else ""
        yield f"remembered:      {covered.remembered_hours:,} hours with {covered.remembered_rows:,} raw rows{since}"
        yield "not looked at:   what nobody wrote to, and facts (the nightly pass reads both)"
    for left_out in covered.left_out:
        yield f"not looked at:   {left_out}"
    yield from report.differences
    if not report.differences:
        records = sum(line.next_offset - line.first_offset for line in report.partitions)
        what = (
            "What changed adds up, and so do the counts of all"
            if report.scope == "incremental"
            else "Everything adds up"
        )
        yield f"{what}: {records:,} records, each with exactly one outcome."
