"""Whether a change of facts came from dead letters that were replayed: asked only where something is restated."""

from datetime import datetime

from connectors.timescale.pool import Connection
from streams.facts.kinds import KEYED, KeyedKind

_OF_ASSET = "SELECT EXISTS (SELECT FROM ingest.dead_letter AS d WHERE d.replayed_at > $1 AND d.subject = $2)"


async def is_replayed(connection: Connection, kind: str, key: str, since: datetime) -> bool:
    """Whether rows of a key were once dead letters, replayed later than `since`."""
    keyed = KEYED.get(kind)
    if keyed is None:
        return bool(await connection.fetchval(_OF_ASSET, since, key))
    site, _, value = key.partition("/")
    for table in keyed.raw:
        if await connection.fetchval(_of_key(table, keyed), since, site, value):
            return True
    return False


def _of_key(table: str, keyed: KeyedKind) -> str:
    return (
        f"SELECT EXISTS (SELECT FROM {table} AS r JOIN ingest.dead_letter AS d USING (source, event_id) "  # noqa: S608
        f"WHERE d.replayed_at > $1 AND r.site = $2 AND r.{keyed.column} = $3)"
    )
