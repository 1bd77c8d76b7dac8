"""What a transaction writes beside rows, rollups and streams: dead letters, tallies, assets, lost ranges, pauses."""

import base64
import json
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from connectors.timescale.pool import Connection
from streams.core.writes import DeadLetter, Writes

_DEAD_LETTER_COLUMNS = (
    *("received_at", "topic", "partition", "record_offset", "reason", "detail", "key", "headers", "payload"),
    *("source", "event_id", "bootid", "subject", "type", "sequence"),
)
_TALLY = """
INSERT INTO ingest.source_tally AS t (source, domain, accepted, duplicate)
SELECT source, $1, accepted, duplicate
FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS v(source, accepted, duplicate) ORDER BY source
ON CONFLICT (source, domain) DO UPDATE
SET accepted = t.accepted + EXCLUDED.accepted, duplicate = t.duplicate + EXCLUDED.duplicate
"""
_ASSET = """
INSERT INTO port.asset (asset_id, site_id, kind, declared)
SELECT asset_id, site_id, $1, false FROM unnest($2::text[], $3::text[]) AS v(asset_id, site_id)
ON CONFLICT (asset_id) DO NOTHING
"""
_LOST = """
INSERT INTO ingest.lost_range (consumer_group, topic, partition, from_offset, to_offset, kind, noticed_at)
SELECT $1, v.*, now() FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::text[]) AS v
"""
_PAUSE = """
INSERT INTO ingest.partition_pause (consumer_group, topic, partition, paused_at, detail)
SELECT $1, topic, partition, now(), detail FROM unnest($2::text[], $3::int[], $4::text[]) AS v(topic, partition, detail)
"""


async def write(connection: Connection, group: str, writes: Writes, known_assets: Collection[str]) -> None:
    """Write what there is of it; assets already known are left out."""
    if writes.dead_letters:
        await connection.copy_records_to_table(
            "dead_letter",
            schema_name="ingest",
            columns=_DEAD_LETTER_COLUMNS,
            records=[_dead_letter(letter, datetime.now(UTC)) for letter in writes.dead_letters],
        )
    if writes.sources:
        await connection.execute(_TALLY, writes.domain, *_columns((s, *n) for s, n in writes.sources.items()))
    new = sorted((a, s) for a, s in writes.assets if a not in known_assets)
    if new:
        await connection.execute(_ASSET, writes.domain, *_columns(new))
    if writes.lost:
        lost = ((g.tp.topic, g.tp.partition, g.start, g.end, g.kind) for g in writes.lost)
        await connection.execute(_LOST, group, *_columns(lost))
    if writes.pauses:
        pauses = ((p.tp.topic, p.tp.partition, p.detail) for p in writes.pauses)
        await connection.execute(_PAUSE, group, *_columns(pauses))


def _dead_letter(letter: DeadLetter, now: datetime) -> tuple[Any, ...]:
    record, refusal = letter.record, letter.refusal
    headers = [[_storable(n), None if v is None else base64.b64encode(v).decode()] for n, v in record.headers]
    return (
        now,
        letter.tp.topic,
        letter.tp.partition,
        record.offset,
        refusal.reason.value,
        _storable(refusal.detail),
        record.key,
        json.dumps(headers),
        record.value,
        *(
            _storable(text)
            for text in (refusal.source, refusal.event_id, refusal.bootid, refusal.subject, refusal.type)
        ),
        refusal.sequence,
    )


def _storable(text: str | None) -> str | None:
    """Text as PostgreSQL takes it: without NUL and lone surrogates, or the dead letter itself would be refused."""
    return None if text is None else text.replace("\0", "\\0").encode("utf-8", "replace").decode()


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
