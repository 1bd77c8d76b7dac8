"""KPIs against the truth of a simulated run: every number it names, in the periods it names, and no other there.

A site's numbers are of all that happened at it. Where other sources told of its cranes, gates, boxes or ships too, this
run cannot be judged by them; `Judged.notes` says so.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, get_args

import asyncpg

from connectors.timescale.kpis import By
from schemas.kpi import DOMAINS
from schemas.tables import RAW_TABLES

Row = Mapping[str, Any]
Place = tuple[str, ...]
SHOWN: Final = 5
# The truth is written in full, but sums are added in another order.
RELATIVE: Final = 1e-6
# How long before a period spans of cranes reach into it (migration 0017).
_REACH: Final = timedelta(days=31)
_FIGURES: Final = ("value", "numerator", "denominator", "n", "completeness", "provisional")
_SAID: Final = ("kpi", "site", "by", "period_start", "asset", "lane", "part")


@dataclass(frozen=True, slots=True)
class Judged:
    """What differs, and what could not be judged, in words."""

    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


async def judge_kpis(connection: asyncpg.Connection, kpis: Sequence[Row], sources: Sequence[str]) -> Judged:
    """Compare with a truth file's `kpis`. Wants a role that reads raw rows and KPIs."""
    differences: list[str] = []
    notes: list[str] = []
    for site in sorted({row["site"] for row in kpis}):
        own = [row for row in kpis if row["site"] == site]
        if other := await _other_source(connection, site, own, sources):
            notes.append(f"KPIs of {site} are not judged: {other} tells of it too")
        else:
            differences += [line for domain in DOMAINS for line in await _domain(connection, domain, own)]
    more = len(differences) - SHOWN
    shown = [*differences[:SHOWN], f"truth: {more} more KPIs differ"] if more > 0 else differences
    return Judged(tuple(shown), tuple(notes))


async def _domain(connection: asyncpg.Connection, domain: str, own: Sequence[Row]) -> list[str]:
    """All periods that the truth speaks of, also those in which it expects nothing of this domain."""
    lines: list[str] = []
    for by in get_args(By):
        periods = {(_time(row["period_start"]), _time(row["period_end"])) for row in own if row["by"] == by}
        if periods:
            starts = [start for start, _ in periods]
            until = max(end for _, end in periods) if by == "period" else max(starts) + timedelta(microseconds=1)
            found = await connection.fetch(_NUMBERS, domain, by, min(starts), until, own[0]["site"], starts)
            expected = [row for row in own if (row["domain"], row["by"]) == (domain, by)]
            lines += compare_kpis(expected, [{**dict(row), "kpi": row["kpi_id"], "by": by} for row in found])
    return lines


def compare_kpis(expected: Sequence[Row], found: Sequence[Row]) -> Iterator[str]:
    """Figures within 1e-6; a number without figures must only be there."""
    wanted = {_place(row): row for row in expected}
    stored = {_place(row): row for row in found}
    for place, row in sorted(wanted.items()):
        problem = _unequal(row, stored[place]) if place in stored else "is missing"
        if problem:
            yield f"truth: {_words(row)}: {problem}"
    for place in sorted(stored.keys() - wanted.keys()):
        yield f"truth: {_words(stored[place])}: is not expected"


def _place(row: Row) -> Place:
    start = _time(row["period_start"]).isoformat()
    return tuple(start if name == "period_start" else row[name] or "" for name in _SAID)


def _words(row: Row) -> str:
    of = " ".join(row[name] for name in ("asset", "lane", "part") if row[name])
    return f"{row['kpi']} of {of or row['site']} in the {row['by']} of {_time(row['period_start']):%Y-%m-%d %H:%M}"


def _unequal(expected: Row, found: Row) -> str:
    return "; ".join(
        f"{name} is {found[name]}, expected {expected[name]}"
        for name in _FIGURES
        if name in expected and not _same(found[name], expected[name])
    )


def _same(found: Any, expected: Any) -> bool:
    if found is None or expected is None or isinstance(expected, bool):
        return found is expected
    return math.isclose(found, expected, rel_tol=RELATIVE, abs_tol=RELATIVE)


async def _other_source(
    connection: asyncpg.Connection, site: str, own: Sequence[Row], sources: Sequence[str]
) -> str | None:
    since = min(_time(row["period_start"]) for row in own) - _REACH
    until = max(_time(row["period_end"]) for row in own)
    found: str | None = await connection.fetchval(_OTHERS, site, since, until, list(sources))
    return found


def _time(text: str | datetime) -> datetime:
    return text if isinstance(text, datetime) else datetime.fromisoformat(text)


_NUMBERS = """
SELECT n.* FROM kpi.numbers($1, $2, $3, $4) AS n WHERE n.site = $5 AND n.period_start = ANY($6::timestamptz[])
"""
_ONE = "(SELECT source FROM {} WHERE site = $1 AND time >= $2 AND time < $3 AND source <> ALL($4::text[]) LIMIT 1)"
_OTHERS = (
    " UNION ALL ".join(
        _ONE.format(table.name)
        for table in RAW_TABLES
        if table.name.startswith(("port.crane", "port.gate", "port.ocr", "port.cargo", "port.vessel"))
    )
    + " LIMIT 1"
)
