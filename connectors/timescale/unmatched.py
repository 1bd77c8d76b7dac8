"""Real moves that no job confirmed and confirmed jobs that no lift matches, per crane and shift, read from the database."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import asyncpg

from connectors.timescale.kpis import Period, check_site
from streams.facts.crane_moves import MoveGap, move_gaps
from streams.facts.intervals import Interval

_WINDOWS = """
SELECT shift, period_start, period_end FROM kpi.windows($2, $3, $4, 'infinity') WHERE site = $1 ORDER BY period_start
"""
# A job may be told before its lift ends, and its lift may end in the next period.
_CYCLES = """
SELECT crane_id, cycle_id, ended_at, boxes, job_id, outcome FROM port.crane_cycle
WHERE site = $1 AND ended_at >= $2::timestamptz - INTERVAL '1 day' AND ended_at < $3::timestamptz + INTERVAL '2 days'
    AND ($4::text IS NULL OR crane_id = $4)
ORDER BY ended_at, cycle_id
"""
_JOBS = """
SELECT crane_id, time, event_id, job_id, step, move_kind, call_id, boxes FROM port.crane_job
WHERE site = $1 AND time >= $2::timestamptz - INTERVAL '1 day' AND time < $3::timestamptz + INTERVAL '2 days'
    AND ($4::text IS NULL OR crane_id = $4)
ORDER BY time, event_id
"""


async def read_unmatched(
    connection: asyncpg.Connection, period: Period, by: str, asset: str | None
) -> list[dict[str, Any]]:
    """Per crane and period in which it moved anything: boxes on both sides, and the ids of what found no partner.

    Raises ConfigurationError for a site the database does not know.
    """
    await check_site(connection, period.site)
    windows = await connection.fetch(_WINDOWS, period.site, by, period.since, period.until)
    if not windows:
        return []
    span = (period.site, windows[0]["period_start"], max(row["period_end"] for row in windows), asset)
    cycles = _by_crane(await connection.fetch(_CYCLES, *span))
    jobs = _by_crane(await connection.fetch(_JOBS, *span))
    intervals = [Interval(row["period_start"], row["period_end"]) for row in windows]
    return [
        _line(crane, dict(window), gap)
        for crane in sorted({*cycles, *jobs})
        for window, gap in zip(windows, move_gaps(cycles[crane], jobs[crane], intervals), strict=True)
        if gap.real_boxes or gap.confirmed_boxes or gap.cycles or gap.jobs
    ]


def _by_crane(rows: list[asyncpg.Record]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["crane_id"]].append(dict(row))
    return found


def _line(crane: str, window: Mapping[str, Any], gap: MoveGap) -> dict[str, Any]:
    return {
        "crane_id": crane,
        "shift": window["shift"],
        "period_start": window["period_start"],
        "period_end": window["period_end"],
        "real_boxes": gap.real_boxes,
        "confirmed_boxes": gap.confirmed_boxes,
        "cycles_without_job": list(gap.cycles),
        "jobs_without_cycle": list(gap.jobs),
    }
