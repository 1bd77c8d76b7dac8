"""How often each key was folded again, counted by the database itself: who folds a key takes its marks away.

A trigger of the drill's own writes down every such statement; it is there for as long as the drill is. Nothing of the
product knows of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

# A row this much older than the broker's return was kept waiting by the outage; what is younger may have come live.
_OLDER: Final = timedelta(seconds=5)
_LISTEN: Final = """
CREATE SCHEMA outage_drill;
CREATE TABLE outage_drill.fold (at timestamptz, kind text, key text, since timestamptz);
CREATE FUNCTION outage_drill.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO outage_drill.fold
    SELECT clock_timestamp(), kind, key, min(from_time) FROM gone WHERE kind <> 'site_clock' GROUP BY kind, key;
    RETURN NULL;
END $$;
CREATE TRIGGER outage_drill AFTER DELETE ON ingest.refold REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION outage_drill.note();
"""
_LEAVE: Final = "DROP TRIGGER outage_drill ON ingest.refold; DROP SCHEMA outage_drill CASCADE"
_COUNT: Final = """
SELECT count(*), coalesce(sum(folds), 0), coalesce(max(folds), 0) FROM (
    SELECT kind, key, count(*) AS folds FROM outage_drill.fold WHERE at > %(back)s AND since < %(back)s - %(older)s
    GROUP BY kind, key
) AS keys
"""
_ALL: Final = "SELECT count(*) FROM outage_drill.fold"


@dataclass(frozen=True, slots=True)
class Again:
    """Keys that were folded after the broker's return with rows from before it: how many, how often, how often at most.

    `all_folds`: every fold of the drill, these and all others, as the worker's metric counts them.
    """

    keys: int
    folds: int
    most: int
    all_folds: int


class Folds:
    """Counts while `counting` is open, on a connection of the owner."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Removes what it has made, so that `verify` finds the schema as it was."""
        with psycopg.connect(self._dsn, autocommit=True) as database:
            database.execute(_LISTEN)
            try:
                yield
            finally:
                database.execute(_LEAVE)

    def now(self) -> datetime:
        """The database's clock, by which folds are dated."""
        moment: datetime = self._row("SELECT clock_timestamp()")[0]
        return moment

    def again(self, back: datetime) -> Again:
        """What became of the keys since the broker is `back`."""
        keys, folds, most = self._row(_COUNT, {"back": back, "older": _OLDER})
        return Again(keys, int(folds), most, self._row(_ALL)[0])

    def _row(self, query: Any, values: Any = None) -> tuple[Any, ...]:
        with psycopg.connect(self._dsn, autocommit=True) as database:
            row = database.execute(query, values).fetchone()
        assert row is not None  # noqa: S101  (every one of these queries has one row)
        return row
