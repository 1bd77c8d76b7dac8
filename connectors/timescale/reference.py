"""Brings `port.site` and `port.asset` to what `schemas/reference` declares.

An asset that reported before it was declared becomes a declared one; nothing is ever removed.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from schemas.reference import Asset, Site, load_sites

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


def apply_reference(connection: psycopg.Connection[tuple[Any, ...]], sites: Sequence[Site] | None = None) -> None:
    """Upsert every declared site and asset, or those given, in the caller's transaction."""
    declared = load_sites() if sites is None else sites
    cursor = connection.cursor()
    cursor.executemany(_UPSERT_SITE, [_site_row(site) for site in declared])
    cursor.executemany(_UPSERT_ASSET, [_asset_row(asset) for site in declared for asset in site.assets])


def _site_row(site: Site) -> tuple[object, ...]:
    shifts = [
        {"name": shift.name, "start_s": shift.start.total_seconds(), "end_s": shift.end.total_seconds()}
        for shift in site.shifts
    ]
    return site.site_id, site.name, site.utc_offset, Jsonb(shifts)


def _asset_row(asset: Asset) -> tuple[object, ...]:
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
