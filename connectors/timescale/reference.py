"""Brings `port.site` and `port.asset` to what `schemas/reference` declares, and says what is declared there by now.

An asset that reported before it was declared becomes a declared one; nothing is ever removed. A site that was onboarded
belongs to its file (connectors/timescale/onboarding.py), and is left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from connectors.timescale.pool import Connection
from schemas.reference import Asset, Site, declared_sources, load_sites
from schemas.sla import Device

_UPSERT_SITE = """
INSERT INTO port.site (site_id, name, utc_offset, shifts) VALUES (%s, %s, %s, %s)
ON CONFLICT (site_id) DO UPDATE
SET name = EXCLUDED.name, utc_offset = EXCLUDED.utc_offset, shifts = EXCLUDED.shifts
"""
_UPSERT_ASSET = """
INSERT INTO port.asset (asset_id, site_id, kind, name, gateways, type, lanes, carried_by, declared)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, true)
ON CONFLICT (asset_id) DO UPDATE
SET site_id = EXCLUDED.site_id, kind = EXCLUDED.kind, name = EXCLUDED.name, gateways = EXCLUDED.gateways,
    type = EXCLUDED.type, lanes = EXCLUDED.lanes, carried_by = EXCLUDED.carried_by, declared = true
"""
_ONBOARDED = "SELECT site_id FROM port.onboarded"
_SOURCES = """
SELECT source FROM port.gateway
UNION SELECT jsonb_array_elements_text(gateways) FROM port.asset WHERE declared
"""
_DEVICES = """
SELECT asset_id AS device_id, site_id AS site, type, carried_by FROM port.asset WHERE declared AND kind = 'device'
ORDER BY asset_id
"""


def apply_reference(connection: psycopg.Connection[tuple[Any, ...]], sites: Sequence[Site] | None = None) -> None:
    """Upsert every declared site and asset, or those given, in the caller's transaction; not those that were onboarded."""
    declared = load_sites() if sites is None else sites
    onboarded = {name for (name,) in connection.execute(_ONBOARDED).fetchall()}
    write_sites(connection, [site for site in declared if site.site_id not in onboarded])


def write_sites(connection: psycopg.Connection[tuple[Any, ...]], sites: Sequence[Site]) -> None:
    """Upsert these sites and their assets, in the caller's transaction."""
    cursor = connection.cursor()
    cursor.executemany(_UPSERT_SITE, [site_row(site) for site in sites])
    cursor.executemany(_UPSERT_ASSET, [asset_row(asset) for site in sites for asset in site.assets])


@dataclass(frozen=True, slots=True)
class Directory:
    """What is declared by now: in the code and in the database, where sites come without a release."""

    sources: frozenset[str]
    devices: tuple[Device, ...]


async def read_directory(connection: Connection) -> Directory:
    """The declared sources and devices, as the worker's role sees them."""
    sources = {row["source"] for row in await connection.fetch(_SOURCES)}
    devices = [Device(**dict(row)) for row in await connection.fetch(_DEVICES)]
    return Directory(frozenset(sources | declared_sources()), tuple(devices))


def site_row(site: Site) -> tuple[object, ...]:
    """A row of `port.site`: id, name, offset, shifts."""
    shifts = [
        {"name": shift.name, "start_s": shift.start.total_seconds(), "end_s": shift.end.total_seconds()}
        for shift in site.shifts
    ]
    return site.site_id, site.name, site.utc_offset, Jsonb(shifts)


def asset_row(asset: Asset) -> tuple[object, ...]:
    """A row of `port.asset`, but `declared`."""
    return (
        asset.asset_id,
        asset.site_id,
        asset.kind,
        asset.name,
        Jsonb(list(asset.gateways)),
        asset.type,
        Jsonb(list(asset.lanes)),
        asset.carried_by,
    )
