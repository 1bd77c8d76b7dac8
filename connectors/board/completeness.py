"""Completeness per site, from `kpi.completeness` where that view is cheap enough to be watched."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg

from connectors.board.plan import WINDOW
from connectors.timescale.pool import Connection

# The view of the first edition read all raw rows there are. Whatever does so is not asked: nobody knows, then.
_IS_CHEAP: Final = """
SELECT to_regclass('kpi.completeness') IS NOT NULL AND NOT EXISTS (
    SELECT FROM pg_rewrite AS r JOIN pg_depend AS d ON d.objid = r.oid
    WHERE r.ev_class = to_regclass('kpi.completeness')
      AND d.refobjid = to_regprocedure('kpi.sequences(timestamptz, timestamptz)')
)
"""
_ASK: Final = """
SELECT site, sum(received)::bigint AS received, sum(expected)::bigint AS expected
FROM kpi.completeness WHERE asset IS NULL AND bucket > $1 GROUP BY site
"""
_PATIENCE_S: Final = 2.0


async def ask_completeness(connection: Connection, at: datetime) -> Sequence[asyncpg.Record]:
    """A row per site; none where the view is not there, not cheap, or not answered in time."""
    if not await connection.fetchval(_IS_CHEAP):
        return []
    try:
        return await connection.fetch(_ASK, at - WINDOW, timeout=_PATIENCE_S)
    except TimeoutError:
        return []
