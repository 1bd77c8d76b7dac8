"""Judges one simulated run: does the database show what the truth file says it must?

The truth names its run and its sources, and only those are looked at, so that other data, other runs and
the same run sent twice do not disturb the judgement.
"""

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from connectors.timescale.fact_truth import check_fact_truth
from connectors.timescale.kpi_truth import Judged, judge_kpis
from connectors.timescale.rollup_check import RELATIVE, minutes_from_raw
from schemas.errors import ConfigurationError
from schemas.tables import RAW_TABLES, ROLLUPS, Rollup

SHOWN = 3
RollupRow = Mapping[str, Any]
RollupKey = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """What a run must leave behind: rows per table, records per outcome, minute rows, numbers never sent, facts, KPIs."""

    run: str
    sources: tuple[str, ...]
    rows: Mapping[str, int]
    accepted: int
    duplicate: int
    rejected: Mapping[str, int]
    rollups: Mapping[str, tuple[RollupRow, ...]]
    missing_sequences: int
    facts: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    kpis: tuple[Mapping[str, Any], ...] = ()


def read_truth(file: Path) -> Truth:
    """Raises ConfigurationError where the file is not there or not a truth file."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return Truth(
            run=found["run"],
            sources=tuple(found["sources"]),
            rows=found["rows"],
            accepted=found["accepted"],
            duplicate=found["duplicate"],
            rejected=found["rejected"],
            rollups={table: tuple(rows) for table, rows in found["rollups"].items()},
            missing_sequences=found["missing_sequences"],
            facts={table: tuple(rows) for table, rows in found.get("facts", {}).items()},
            kpis=tuple(found.get("kpis", ())),
        )
    except OSError as error:
        raise ConfigurationError(f"cannot read {file} ({error.strerror}): name a truth file") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        message = f"{file} is not a truth file ({error!r}): `quaystream simulate --truth FILE` writes one"
        raise ConfigurationError(message) from error


async def check_truth(connection: asyncpg.Connection, truth: Truth) -> Judged:
    """Everything in which the database differs from the truth, in words. Wants the owner's role."""
    kpis = await judge_kpis(connection, truth.kpis, truth.sources)
    differences = (
        *await _check_row_counts(connection, truth),
        *await _check_outcomes(connection, truth),
        *await _check_rejected(connection, truth),
        *await _check_missing(connection, truth),
        *await _check_rollups(connection, truth),
        *await check_fact_truth(connection, truth.facts),
        *kpis.differences,
    )
    return Judged(differences, kpis.notes)


async def _check_row_counts(connection: asyncpg.Connection, truth: Truth) -> list[str]:
    differences = []
    for table in RAW_TABLES:
        found = await connection.fetchval(
            f"SELECT count(*) FROM {table.name} WHERE source = ANY($1::text[])",  # noqa: S608
            truth.sources,
        )
        expected = truth.rows.get(table.name, 0)
        if found != expected:
            differences.append(f"truth: {table.name} has {found} rows of this run's sources, expected {expected}")
    return differences


async def _check_outcomes(connection: asyncpg.Connection, truth: Truth) -> list[str]:
    row = await connection.fetchrow(
        "SELECT coalesce(sum(accepted), 0)::bigint AS accepted, coalesce(sum(duplicate), 0)::bigint AS duplicate "
        "FROM ingest.source_tally WHERE source = ANY($1::text[])",
        truth.sources,
    )
    accepted, duplicate = row or (0, 0)
    differences = []
    if accepted != truth.accepted:
        differences.append(f"truth: {accepted} records accepted, expected {truth.accepted}")
    if duplicate < truth.duplicate:
        # A run that was sent twice has more of them.
        differences.append(f"truth: {duplicate} duplicates, expected at least {truth.duplicate}")
    return differences


async def _check_rejected(connection: asyncpg.Connection, truth: Truth) -> list[str]:
    rows = await connection.fetch(_REJECTED, run_header(truth.run))
    found = {row["reason"]: row["records"] for row in rows}
    return [
        f"truth: {found.get(reason, 0)} different records rejected as {reason}, expected {truth.rejected.get(reason, 0)}"
        for reason in sorted({*found, *truth.rejected})
        if found.get(reason, 0) != truth.rejected.get(reason, 0)
    ]


async def _check_missing(connection: asyncpg.Connection, truth: Truth) -> list[str]:
    found = await connection.fetchval(_MISSING, truth.sources)
    if found == truth.missing_sequences:
        return []
    return [f"truth: {found} sequence numbers are missing, expected {truth.missing_sequences}"]


async def _check_rollups(connection: asyncpg.Connection, truth: Truth) -> list[str]:
    differences: list[str] = []
    for rollup in ROLLUPS:
        expected = by_key(rollup, truth.rollups.get(rollup.minute, ()))
        own = by_key(
            rollup, await connection.fetch(minutes_from_raw(rollup, "source = ANY($1::text[])"), truth.sources)
        )
        span = _span(expected)
        stored = by_key(rollup, await connection.fetch(_stored(rollup), *span))
        shared = await _shared(connection, rollup, truth.sources, span)
        actual = {key: own.get(key) if key in shared else stored.get(key) for key in expected}
        differences += compare_rows(rollup, expected, actual)
        differences += _surplus(rollup, sorted(own.keys() - expected.keys()))
    return differences


def by_key(rollup: Rollup, rows: Iterable[Any]) -> dict[RollupKey, RollupRow]:
    """Rows (of a truth file or of the database) by bucket in UTC and key, in one spelling."""
    return {_key(rollup, row): row for row in map(dict, rows)}


def compare_rows(
    rollup: Rollup, expected: Mapping[RollupKey, RollupRow], actual: Mapping[RollupKey, RollupRow | None]
) -> list[str]:
    """Counts, minima and maxima must be equal, sums within 1e-9; the first few differences in words."""
    wrong = []
    for key in sorted(expected):
        row = actual.get(key)
        problem = "is missing" if row is None else _unequal(rollup, expected[key], row)
        if problem:
            wrong.append(f"truth: {rollup.minute} {' '.join(key)}: {problem}")
    return _first(wrong, f"truth: {rollup.minute}")


def run_header(run: str) -> str:
    """The JSON of header `qs-run` as ingest.dead_letter keeps it, inside a list for containment."""
    return json.dumps([["qs-run", base64.b64encode(run.encode()).decode()]])


def _surplus(rollup: Rollup, keys: Sequence[RollupKey]) -> list[str]:
    wrong = [f"truth: {rollup.minute} {' '.join(key)}: is not expected, but the run's rows make it" for key in keys]
    return _first(wrong, f"truth: {rollup.minute}")


def _first(wrong: Sequence[str], what: str) -> list[str]:
    more = len(wrong) - SHOWN
    return [*wrong[:SHOWN], f"{what}: {more} more rows differ"] if more > 0 else list(wrong)


def _unequal(rollup: Rollup, expected: RollupRow, actual: RollupRow) -> str:
    return "; ".join(
        f"{measure.column} is {actual[measure.column]}, expected {expected.get(measure.column)}"
        for measure in rollup.measures
        if measure.column in expected and not _same(measure.how, actual[measure.column], expected[measure.column])
    )


def _same(how: str, found: float | None, expected: float | None) -> bool:
    if found is None or expected is None or how in ("rows", "count"):
        return found == expected
    return math.isclose(found, expected, rel_tol=RELATIVE, abs_tol=1e-12)


def _key(rollup: Rollup, row: RollupRow) -> RollupKey:
    bucket = row["bucket"]
    at = datetime.fromisoformat(bucket) if isinstance(bucket, str) else bucket
    names = (name for name in rollup.key if name != "site")
    return (at.astimezone(UTC).isoformat(), *(_labels(row) if name == "labels" else row[name] for name in names))


def _labels(row: RollupRow) -> str:
    """Labels come as JSON text from the database and as an object from a truth file."""
    labels = row["labels"]
    return json.dumps(json.loads(labels) if isinstance(labels, str) else labels, sort_keys=True)


def _span(expected: Mapping[RollupKey, RollupRow]) -> tuple[datetime, datetime]:
    buckets = [datetime.fromisoformat(key[0]) for key in expected] or [datetime.now(UTC)]
    return min(buckets), max(buckets) + timedelta(minutes=1)


async def _shared(
    connection: asyncpg.Connection, rollup: Rollup, sources: Sequence[str], span: tuple[datetime, datetime]
) -> set[RollupKey]:
    """The minutes of `span` that other sources fed too."""
    others = minutes_from_raw(rollup, "source <> ALL($1::text[]) AND time >= $2 AND time < $3")
    return set(by_key(rollup, await connection.fetch(others, sources, *span)))


def _stored(rollup: Rollup) -> str:
    return f"SELECT * FROM {rollup.minute} WHERE bucket >= $1 AND bucket < $2"  # noqa: S608


# The same record sent twice is two dead letters but one truth; a replayed one has one header more.
_REJECTED = """
SELECT reason, count(*) AS records FROM (
    SELECT DISTINCT reason, key, payload, (
        SELECT jsonb_agg(header) FROM jsonb_array_elements(headers) AS header WHERE header ->> 0 <> 'qs-replay-of'
    ) AS headers
    FROM ingest.dead_letter WHERE headers @> $1::text::jsonb
) AS letters GROUP BY reason
"""
_MISSING = """
SELECT (coalesce(sum(to_sequence - from_sequence + 1), 0) - coalesce(sum(in_dead_letters), 0))::bigint
FROM ingest.sequence_gap AS gap, LATERAL (
    SELECT count(DISTINCT letter.sequence) AS in_dead_letters FROM ingest.dead_letter AS letter
    WHERE letter.source = gap.source AND letter.bootid = gap.bootid AND letter.subject = gap.subject
      AND letter.type = gap.type AND letter.sequence BETWEEN gap.from_sequence AND gap.to_sequence
) AS refused
WHERE gap.source = ANY($1::text[]) AND gap.filled_at IS NULL
"""
