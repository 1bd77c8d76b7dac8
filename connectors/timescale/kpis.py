"""KPIs read from the database: numbers of a period, what they rest on, baselines, and what came of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import asyncpg

from schemas.errors import CheckFailedError, ConfigurationError
from schemas.kpi import DOMAINS, NETWORK_DOMAINS, Definition

By = Literal["hour", "shift", "day", "period"]

_OF_RADIO = "kpi.radio_numbers($2, $3, $4, coalesce($7, 'infinity'::timestamptz))"
_OF_DOMAIN = "kpi.numbers($1, $2, $3, $4, coalesce($7, 'infinity'::timestamptz))"
_NUMBERS = """
SELECT n.*, d.unit FROM {numbers} AS n
JOIN kpi.definition AS d ON d.kpi_id = n.kpi_id AND d.kpi_version = n.kpi_version
WHERE n.site = $5 AND n.kpi_id = $6 AND $1::text IS NOT NULL ORDER BY n.period_start, n.asset NULLS FIRST, n.lane NULLS FIRST, n.part NULLS FIRST
"""
_SITES = "SELECT site FROM kpi.site ORDER BY site"
_SET_BASELINE = """
INSERT INTO kpi.baseline (site, kpi_id, kpi_version, part, value, numerator, denominator, n, sd, period_from, period_to,
    note)
SELECT n.site, n.kpi_id, n.kpi_version, n.part, n.value, n.numerator, n.denominator, n.n, n.sd, $3, $4, $5
FROM unnest($1::text[]) AS d (domain) CROSS JOIN LATERAL kpi.numbers(d.domain, 'period', $3, $4) AS n
WHERE n.site = $2 AND n.asset IS NULL AND n.lane IS NULL AND n.n > 0 AND n.value IS NOT NULL
RETURNING kpi_id
"""
_EFFECT = """
SELECT e.*, d.title, d.unit, d.better FROM kpi.effect_of($1, $2, $3) AS e
JOIN kpi.definition AS d ON d.kpi_id = e.kpi_id AND d.kpi_version = e.kpi_version
ORDER BY e.kpi_id, e.part NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class Period:
    """[since, until) at a site."""

    site: str
    since: datetime
    until: datetime


async def read_numbers(
    connection: asyncpg.Connection, definition: Definition, period: Period, by: By, known_at: datetime | None = None
) -> list[dict[str, Any]]:
    """The rows of one KPI as of the database's own time, or as known at a time; site first, then assets.

    Raises ConfigurationError for a site the database does not know.
    """
    await check_site(connection, period.site)
    domains = DOMAINS if definition.domain == "any" else (definition.domain,)
    span = (by, period.since, period.until, period.site, definition.kpi_id, known_at)
    query = _NUMBERS.format(numbers=_OF_RADIO if definition.domain == "radio" else _OF_DOMAIN)
    return [dict(row) for domain in domains for row in await connection.fetch(query, domain, *span)]


async def set_baseline(connection: asyncpg.Connection, period: Period, note: str) -> int:
    """Remember every number of the site over the period; answers how many.

    Raises ConfigurationError (unknown site) and CheckFailedError (nothing happened in the period).
    """
    await check_site(connection, period.site)
    domains = [*DOMAINS, *NETWORK_DOMAINS]
    rows = await connection.fetch(_SET_BASELINE, domains, period.site, period.since, period.until, note)
    if not rows:
        raise CheckFailedError(
            f"{period.site} has no number between {period.since} and {period.until}: no baseline set"
        )
    return len(rows)


async def read_baselines(connection: asyncpg.Connection, site: str | None) -> list[dict[str, Any]]:
    """Every baseline, the newest first."""
    query = "SELECT * FROM kpi.baseline WHERE $1::text IS NULL OR site = $1 ORDER BY set_at DESC, kpi_id, part"
    return [dict(row) for row in await connection.fetch(query, site)]


async def read_effect(connection: asyncpg.Connection, period: Period) -> list[dict[str, Any]]:
    """The period against the site's newest baseline. Raises ConfigurationError where there is none."""
    await check_site(connection, period.site)
    if not await read_baselines(connection, period.site):
        raise ConfigurationError(f"{period.site} has no baseline: set one with `quaystream kpi baseline set`")
    span = (period.site, period.since, period.until)
    return [dict(row) for row in await connection.fetch(_EFFECT, *span)]


async def check_site(connection: asyncpg.Connection, site: str) -> None:
    """Raises ConfigurationError for a site the database does not know."""
    sites: Final = [row["site"] for row in await connection.fetch(_SITES)]
    if site not in sites:
        raise ConfigurationError(f"there is no site {site}: name one of {', '.join(sites)}")
