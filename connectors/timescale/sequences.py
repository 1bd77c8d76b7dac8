"""Numbered streams in the database: states read by key, written only when the version still holds, and their gaps."""

from collections.abc import Collection, Iterable

from connectors.timescale.pool import Connection
from streams.core.sequence import StreamChange, StreamKey, StreamState
from streams.store import StaleStreamsError

_LOAD = """
SELECT stream_id, intervals, pruned_below, version FROM ingest.sequence_stream WHERE stream_id = ANY($1::uuid[])
"""
# The text of an array, not an array: streams have different numbers of intervals, and arrays are not ragged.
_SAVE = """
INSERT INTO ingest.sequence_stream AS s (stream_id, source, bootid, subject, type, intervals, pruned_below, version)
SELECT stream_id, source, bootid, subject, type, intervals::bigint[], pruned_below, version
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[])
  AS v(stream_id, source, bootid, subject, type, intervals, pruned_below, version)
ON CONFLICT (stream_id) DO UPDATE
SET intervals = EXCLUDED.intervals, pruned_below = EXCLUDED.pruned_below, version = EXCLUDED.version, updated_at = now()
WHERE s.version = EXCLUDED.version - 1
"""
_OPEN_GAPS = """
INSERT INTO ingest.sequence_gap (stream_id, source, bootid, subject, type, from_sequence, to_sequence, noticed_at)
SELECT v.*, now() FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[]) AS v
"""
_FILL_GAPS = """
UPDATE ingest.sequence_gap g SET filled_at = now()
FROM unnest($1::uuid[], $2::bigint[]) AS v(stream_id, from_sequence)
WHERE g.stream_id = v.stream_id AND g.from_sequence = v.from_sequence AND g.filled_at IS NULL
"""
_DROP_GAPS = """
DELETE FROM ingest.sequence_gap g USING unnest($1::uuid[], $2::bigint[]) AS v(stream_id, from_sequence)
WHERE g.stream_id = v.stream_id AND g.from_sequence = v.from_sequence AND g.filled_at IS NULL
"""


async def load(connection: Connection, keys: Collection[StreamKey]) -> dict[StreamKey, StreamState]:
    """The stored state of each stream; a stream not stored is new."""
    by_id = {key.stream_id: key for key in keys}
    states = dict.fromkeys(keys, StreamState())
    for row in await connection.fetch(_LOAD, list(by_id)):
        states[by_id[row["stream_id"]]] = StreamState(row["version"], tuple(row["intervals"]), row["pruned_below"])
    return states


async def save(connection: Connection, changes: Collection[StreamChange]) -> None:
    """Write the new states and the gaps they open and close; raises `StaleStreamsError`."""
    if not changes:
        return
    columns = zip(*map(_row, changes), strict=True)
    status = await connection.execute(_SAVE, *map(list, columns))
    if int(status.rpartition(" ")[2]) != len(changes):
        raise StaleStreamsError
    await _save_gaps(connection, changes)


def _row(change: StreamChange) -> tuple[object, ...]:
    intervals = "{" + ",".join(map(str, change.after.intervals)) + "}"
    return (change.key.stream_id, *change.key, intervals, change.after.pruned_below, change.after.version)


async def _save_gaps(connection: Connection, changes: Iterable[StreamChange]) -> None:
    opened: list[tuple[object, ...]] = []
    filled: list[tuple[object, ...]] = []
    dropped: list[tuple[object, ...]] = []
    for change in changes:
        if _is_whole(change.before) and _is_whole(change.after):
            continue  # nearly every stream: no gap before, none after
        opened.extend((change.key.stream_id, *change.key, *gap) for gap in sorted(change.opened()))
        for gap, is_filled in change.closed():
            (filled if is_filled else dropped).append((change.key.stream_id, gap.start))
    for statement, rows in ((_DROP_GAPS, dropped), (_FILL_GAPS, filled), (_OPEN_GAPS, opened)):
        if rows:
            await connection.execute(statement, *map(list, zip(*rows, strict=True)))


def _is_whole(state: StreamState) -> bool:
    return len(state.intervals) <= 2 and (not state.intervals or state.intervals[0] <= 1)
