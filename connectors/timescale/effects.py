"""Before and after, kept for whoever looks (`kpi.effect_stored`): one worker at a time works out what is due."""

from typing import Final

from connectors.timescale.pool import Pool

_LOCK: Final = 0x7158
# Of many sites and a month it may take minutes, and nothing waits for it.
_PATIENCE_S: Final = 1_800.0


async def store_effects(pool: Pool) -> int | None:
    """Work out the sites that are due, in one transaction; how many, or None when another worker is at it."""
    async with pool.acquire() as connection:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM kpi.baseline)"):
            return 0
        async with connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
                return None
            await connection.execute(f"SET LOCAL statement_timeout = '{_PATIENCE_S:.0f}s'")
            stored: int = await connection.fetchval("SELECT kpi.store_effects()", timeout=_PATIENCE_S)
            return stored
