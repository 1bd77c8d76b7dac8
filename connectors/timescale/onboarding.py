"""What a file of `quaystream onboard` is in the database: compared, and written in one transaction.

Only rows of the file's own site are ever touched. What the file no longer says stays until it is asked away: rows that
came while an asset was declared still speak of it, so it becomes an undeclared one.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import asyncpg
import psycopg
from psycopg.types.json import Jsonb

from connectors.timescale.reference import asset_row, site_row, write_sites
from schemas.onboard import GatewayEntry, Port
from schemas.onboard.model import Baseline, BaselineValue
from schemas.reference import load_sites

Connection = psycopg.Connection[tuple[Any, ...]]
Sign = Literal["+", "~", "=", "-"]
# Two at a time wait for each other; not migrate's number.
_LOCK: Final = 0x6F6E_6264
_SITE: Final = "SELECT site_id, name, utc_offset, shifts FROM port.site WHERE site_id = %s"
_ASSETS: Final = """
SELECT asset_id, site_id, kind, name, gateways, type, lanes, carried_by FROM port.asset WHERE site_id = %s AND declared
"""
_GATEWAYS: Final = "SELECT source, principal, proof, topics, bytes_per_s FROM port.gateway WHERE site_id = %s"
_TERMS: Final = "SELECT sla, retention FROM port.onboarded WHERE site_id = %s"
_NEWEST: Final = """
SELECT DISTINCT ON (kpi_id, part) kpi_id, part, value, denominator, n, sd, period_from, period_to, note
FROM kpi.baseline WHERE site = %s ORDER BY kpi_id, part, set_at DESC, period_to DESC
"""
_TAKEN: Final = """
SELECT 'source ' || g.source, g.site_id FROM port.gateway AS g WHERE g.source = ANY(%(sources)s) AND g.site_id <> %(site)s
UNION SELECT 'principal ' || g.principal, g.site_id FROM port.gateway AS g
WHERE g.principal = ANY(%(principals)s) AND g.site_id <> %(site)s
UNION SELECT 'source ' || s.source, a.site_id
FROM port.asset AS a CROSS JOIN LATERAL jsonb_array_elements_text(a.gateways) AS s (source)
WHERE a.declared AND s.source = ANY(%(sources)s) AND a.site_id <> %(site)s
ORDER BY 1
"""
_WRITE_TERMS: Final = """
INSERT INTO port.onboarded (site_id, sla, retention, digest) VALUES (%s, %s, %s, %s)
ON CONFLICT (site_id) DO UPDATE SET sla = EXCLUDED.sla, retention = EXCLUDED.retention, digest = EXCLUDED.digest,
    applied_at = now(), applied_by = session_user
"""
_WRITE_GATEWAY: Final = """
INSERT INTO port.gateway (source, site_id, principal, proof, topics, bytes_per_s) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (source) DO UPDATE SET principal = EXCLUDED.principal, proof = EXCLUDED.proof, topics = EXCLUDED.topics,
    bytes_per_s = EXCLUDED.bytes_per_s
"""
_WRITE_BASELINE: Final = """
INSERT INTO kpi.baseline (site, kpi_id, kpi_version, part, value, numerator, denominator, n, sd, period_from, period_to, note)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_REMEMBERED: Final = "SELECT max((value)::float8) FROM ingest.setting WHERE name IN ('raw_retention_s', 'max_age_s')"
_REFUSED: Final = """
SELECT source, event_id, reason FROM ingest.dead_letter
WHERE event_id = ANY($1) AND received_at > now() - INTERVAL '1 hour'
"""
_UNDECLARE: Final = "UPDATE port.asset SET declared = false WHERE asset_id = ANY(%s)"
_REMOVE: Final = "DELETE FROM port.gateway WHERE source = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a plan. `+` is to be made, `~` changed, `=` is so already, `-` is no longer in the file."""

    sign: Sign
    what: str
    name: str
    detail: str = ""


def taken(connection: Connection, port: Port) -> list[str]:
    """What the file claims and another site has, in words."""
    sources = [gateway.source for gateway in port.gateways]
    values = {"sources": sources, "principals": [g.name for g in port.gateways], "site": port.site_id}
    held = {f"{what} is {site}'s" for what, site in connection.execute(_TAKEN, values).fetchall()}
    others = (site for site in load_sites() if site.site_id != port.site_id)
    held |= {f"source {s} is {site.site_id}'s" for site in others for s in site.gateways if s in sources}
    return sorted(held)


def plan(connection: Connection, port: Port) -> list[Change]:
    """The file beside the database, line by line."""
    return [*_site(connection, port), *_gateways(connection, port), *_assets(connection, port), *_terms(connection, port), *_baselines(connection, port)]  # fmt: skip


def orphans(connection: Connection, port: Port) -> list[str]:
    """Principals of the site's gateways that the file no longer names."""
    known = {row[1] for row in connection.execute(_GATEWAYS, (port.site_id,)).fetchall()}
    return sorted(known - {gateway.name for gateway in port.gateways})


def remembered_retention_s(connection: Connection) -> float:
    """The longest retention of raw rows that ever was in force, in seconds; 0 where none is known."""
    row = connection.execute(_REMEMBERED).fetchone()
    return float(row[0] or 0) if row else 0.0


async def refused(connection: asyncpg.Connection, event_ids: Sequence[str]) -> dict[tuple[str, str], str]:
    """The reason of each dead letter of these events, by source and id."""
    found = await connection.fetch(_REFUSED, event_ids)
    return {(row["source"], row["event_id"]): row["reason"] for row in found}


def apply(connection: Connection, port: Port, changes: Sequence[Change], *, prune: bool) -> None:
    """Write what `changes` say, in one transaction; `prune`: take away what the file no longer says, too."""
    signs = {change.what: {c.name for c in changes if c.what == change.what and c.sign in "+~"} for change in changes}
    gone = {what: [c.name for c in changes if c.what == what and c.sign == "-"] for what in ("asset", "gateway")}
    if not any(signs.values()) and not (prune and any(gone.values())):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        _write(connection, port, signs)
        if prune:
            connection.execute(_UNDECLARE, (gone["asset"],))
            connection.execute(_REMOVE, (gone["gateway"],))


def _write(connection: Connection, port: Port, signs: Mapping[str, set[str]]) -> None:
    cursor = connection.cursor()
    wanted = signs.get("asset", set())
    assets = tuple(asset for asset in port.site.assets if asset.asset_id in wanted)
    if assets or signs.get("site"):
        write_sites(connection, [port.site.model_copy(update={"assets": assets})])
    cursor.execute(_WRITE_TERMS, (port.site_id, list(port.sla), Jsonb(port.retention), digest_of(port)))
    gateways = [gateway for gateway in port.gateways if gateway.source in signs.get("gateway", set())]
    cursor.executemany(_WRITE_GATEWAY, [_gateway_row(port, gateway) for gateway in gateways])
    cursor.executemany(
        _WRITE_BASELINE,
        [_baseline_row(port, b, v) for b, v in _values(port) if _called(v) in signs.get("baseline", set())],
    )


def digest_of(port: Port) -> str:
    """SHA-256 over everything the file says."""
    return hashlib.sha256(json.dumps(port.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def _site(connection: Connection, port: Port) -> Iterator[Change]:
    wanted = _plain(site_row(port.site))
    found = connection.execute(_SITE, (port.site_id,)).fetchone()
    yield Change(_sign(found and _plain(found), wanted), "site", port.site_id, port.entry.name)


def _gateways(connection: Connection, port: Port) -> Iterator[Change]:
    found = {row[0]: tuple(row) for row in connection.execute(_GATEWAYS, (port.site_id,)).fetchall()}
    for gateway in port.gateways:
        wanted = (gateway.source, gateway.name, gateway.proof, list(gateway.topics), gateway.bytes_per_s)
        detail = f"{gateway.name}: {', '.join(gateway.topics)}"
        yield Change(_sign(found.get(gateway.source), wanted), "gateway", gateway.source, detail)
    for source in sorted(found.keys() - {gateway.source for gateway in port.gateways}):
        yield Change("-", "gateway", source, "no longer in the file: stays, unless --prune")


def _assets(connection: Connection, port: Port) -> Iterator[Change]:
    found = {row[0]: _plain(row) for row in connection.execute(_ASSETS, (port.site_id,)).fetchall()}
    for asset in port.site.assets:
        detail = f"{asset.kind} {asset.type} by {', '.join(asset.gateways)}"
        sign = _sign(found.get(asset.asset_id), _plain(asset_row(asset)))
        yield Change(sign, "asset", asset.asset_id, detail)
    for asset_id in sorted(found.keys() - {asset.asset_id for asset in port.site.assets}):
        yield Change("-", "asset", asset_id, "no longer in the file: stays declared, unless --prune")


def _terms(connection: Connection, port: Port) -> Iterator[Change]:
    found = connection.execute(_TERMS, (port.site_id,)).fetchone()
    kept = ", ".join(f"{name} {days} d" for name, days in sorted(port.retention.items()))
    wanted = (list(port.sla), dict(port.retention))
    detail = f"SLA {', '.join(port.sla) or 'none'}; kept at most: {kept or 'as everywhere'}"
    yield Change(_sign(found and tuple(found), wanted), "terms", port.site_id, detail)


def _baselines(connection: Connection, port: Port) -> Iterator[Change]:
    found = {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(_NEWEST, (port.site_id,)).fetchall()}
    for baseline, value in _values(port):
        wanted = (value.value, value.divides_by, value.n, value.sd, baseline.since, baseline.until, baseline.note)
        detail = f"{value.value:g} {value.definition.unit}, n {value.n:g}, {baseline.since:%Y-%m-%d} to {baseline.until:%Y-%m-%d}"
        yield Change(_sign(found.get((value.kpi, value.part)), wanted), "baseline", _called(value), detail)


def _values(port: Port) -> list[tuple[Baseline, BaselineValue]]:
    return [(baseline, value) for baseline in port.baselines for value in baseline.values]


def _called(value: BaselineValue) -> str:
    return value.kpi if value.part is None else f"{value.kpi} of {value.part}"


def _gateway_row(port: Port, gateway: GatewayEntry) -> tuple[object, ...]:
    return gateway.source, port.site_id, gateway.name, gateway.proof, list(gateway.topics), gateway.bytes_per_s


def _baseline_row(port: Port, baseline: Baseline, value: BaselineValue) -> tuple[object, ...]:
    period = (baseline.since, baseline.until, baseline.note)
    rests_on = (value.value, value.numerator, value.divides_by, value.n, value.sd)
    return port.site_id, value.kpi, value.definition.version, value.part, *rests_on, *period


def _sign(found: object, wanted: object) -> Sign:
    if not found:
        return "+"
    return "=" if found == wanted else "~"


def _plain(row: Sequence[object]) -> tuple[object, ...]:
    return tuple(value.obj if isinstance(value, Jsonb) else value for value in row)
