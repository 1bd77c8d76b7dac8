"""Which keys are to be folded now: those whose marks have rested, the oldest first.

What came late rests longer, so that a gateway that catches up has its assets folded again once and not with every
batch. A key that failed is not due until it is time to try again.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from connectors.timescale.pool import Connection
from streams.facts.marks import CLOCK
from streams.facts.store import Hold, Key

_MARKS_PER_KEY: Final = 4  # looked at to find the keys of a turn; a key with more is found all the same
_NEWEST: Final = 10_000  # looked at to find the sites that are catching up

# Keys that failed keep their marks; they are neither due nor waited for until it is time to try again.
HELD: Final = "SELECT FROM ingest.refold_failure AS f WHERE f.kind = m.kind AND f.key = m.key AND f.retry_at > now()"
# Keys are cranes (a subject) or begin with the site.
_SITE: Final = "array_to_string((string_to_array(split_part(m.key, '/', 1), '-'))[1:2], '-')"
_COMING = f"""
SELECT DISTINCT {_SITE} AS site FROM (SELECT * FROM ingest.refold ORDER BY id DESC LIMIT {_NEWEST}) AS m
WHERE m.marked_at > now() - $2::interval AND m.kind <> $3 AND m.reason = 'late' AND m.marked_at - m.from_time > $1::interval
"""  # noqa: S608
_RESTING = f"""
SELECT m.kind, m.key FROM ingest.refold AS m
WHERE {_SITE} = ANY($4::text[]) AND m.reason = 'late' AND m.marked_at - m.from_time > $5::interval
GROUP BY m.kind, m.key HAVING min(m.marked_at + least(m.marked_at - m.from_time, $6::interval)) > now()
"""  # noqa: S608
_DUE = """
{first}SELECT kind, key FROM (
    SELECT m.id, m.kind, m.key FROM ingest.refold AS m
    WHERE m.marked_at <= now() - ($2::interval[])[array_position($1::text[], m.kind)] AND NOT EXISTS ({held}){further}
    ORDER BY m.id LIMIT $3
) AS oldest GROUP BY kind, key ORDER BY min(id)
"""
_AT_ONCE: Final = _DUE.format(first="", held=HELD, further="")
_NOT_RESTING: Final = _DUE.format(
    first=f"WITH resting AS MATERIALIZED ({_RESTING}) ",
    held=HELD,
    further=" AND NOT EXISTS (SELECT FROM resting AS r WHERE r.kind = m.kind AND r.key = m.key)",
)


async def due_keys(
    connection: Connection, patience: Mapping[str, timedelta], limit: int, hold: Hold | None
) -> Sequence[Key]:
    """As `FactStore.due`."""
    usual = (list(patience), list(patience.values()), _MARKS_PER_KEY * limit)
    sites = await _catching_up(connection, hold) if hold else []
    if hold and sites:
        rows = await connection.fetch(_NOT_RESTING, *usual, sites, hold.late, hold.longest)
    else:
        rows = await connection.fetch(_AT_ONCE, *usual)
    first = rows[0]["kind"] if rows else ""
    return [Key(row["kind"], row["key"]) for row in rows if row["kind"] == first][:limit]


async def _catching_up(connection: Connection, hold: Hold) -> list[str]:
    """The sites of which something late came just now."""
    rows = await connection.fetch(_COMING, hold.late, hold.quiet, CLOCK)
    return [row["site"] for row in rows]
