"""The ledger in production: a worker verifies by itself, one at a time, and every worker tells how it stands.

Every hour what was written to; and everything once a day, spread: a turn is short, and `Chores` rests twenty times as long.
On a connection of its own: the lanes' have deadlines that are too short, and must not wait for this.
"""

from time import monotonic
from typing import Final

import asyncpg
import structlog

from connectors.prometheus import Registry
from connectors.timescale import nightly
from connectors.timescale.connection import connection_to
from connectors.timescale.pool import Connection
from connectors.timescale.verification import Report, only_one, verify_changed
from schemas import metrics

log = structlog.get_logger()
TURN_S: Final = 2.0
_IS_DUE = """
SELECT finished_at IS NULL OR finished_at < now() - INTERVAL '1 hour' FROM ingest.verification WHERE scope = 'incremental'
"""
# One core of the database at the most.
_ALONE = "SET max_parallel_workers_per_gather = 0"
_STAND = """
SELECT scope, extract(epoch FROM coalesce(succeeded_at, known_since))::float8 AS succeeded_s, seconds, rows,
       greatest(cardinality(differences), cardinality(found)) AS differences
FROM ingest.verification
"""


class Verifying:
    """One worker's part in it."""

    def __init__(self, dsn: str, registry: Registry) -> None:
        self._dsn = dsn
        self._registry = registry

    async def turn(self) -> None:
        """What is due: all that was written to, or some of the nightly pass; nothing while another verifies."""
        async with connection_to(self._dsn) as connection, only_one(connection) as is_ours:
            if not is_ours:
                return
            await connection.execute(_ALONE)
            if await connection.fetchval(_IS_DUE):
                _tell(await verify_changed(connection))
            elif await nightly.is_due(connection):
                await self._some_of_the_night(connection)

    async def _some_of_the_night(self, connection: asyncpg.Connection) -> None:
        started = monotonic()
        under_way = await nightly.begin(connection)
        while under_way.left:
            for difference in await nightly.turn(connection, under_way):
                log.error("verification found a difference", scope="nightly", difference=difference)
            if monotonic() - started > TURN_S:
                return
        _tell(await nightly.end(connection))

    async def observe(self, connection: Connection) -> None:
        """Export how verification stands, whoever did it."""
        gauge = self._registry.gauge
        for row in await connection.fetch(_STAND):
            gauge(metrics.VERIFY_LAST_SUCCESS, row["scope"]).set(row["succeeded_s"])
            gauge(metrics.VERIFY_DIFFERENCES, row["scope"]).set(row["differences"])
            if row["seconds"] is not None:
                gauge(metrics.VERIFY_SECONDS, row["scope"]).set(row["seconds"])
                gauge(metrics.VERIFY_ROWS, row["scope"]).set(row["rows"])
        gauge(metrics.VERIFY_WAITING).set(await connection.fetchval("SELECT count(*) FROM ingest.unverified"))


def _tell(report: Report) -> None:
    covered = report.covered
    log.info("verified", scope=report.scope, hours=covered.hours, rows=covered.rows, seconds=round(report.seconds, 2))
    for difference in report.differences:
        log.error("verification found a difference", scope=report.scope, difference=difference)
