"""A golden case read, run through pipeline and memory store, and summed up as plain JSON (tests/golden/README.md)."""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.memory import Database, MemoryStore
from schemas.examples import APPENDED_AT
from schemas.outcome import Outcome
from schemas.tables import ROLLUPS
from streams.core.bound import Bound
from streams.core.domain import Limits
from streams.core.record import Stretch, TopicPartition
from streams.core.writes import Writes
from streams.pipeline import Fence, Pipeline
from tests.support.judging import pipeline
from tests.support.records import Sent

JSON_TEXTS = ("extra", "labels")
Batch = dict[TopicPartition, list[Sent]]


@dataclass(frozen=True, slots=True)
class Case:
    """The records of a case, batch by batch."""

    topic: str
    limits: Limits
    log_start: int
    batches: tuple[Batch, ...]

    @property
    def partitions(self) -> set[TopicPartition]:
        return {tp for batch in self.batches for tp in batch}


def read_case(path: Path) -> Case:
    """The case in an `input.jsonl`."""
    head, *lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    batches: list[Batch] = [defaultdict(list)]
    for line in lines:
        if line.get("commit"):
            batches.append(defaultdict(list))
        else:
            batches[-1][TopicPartition(head["topic"], line.get("partition", 0))].append(_record(line))
    return Case(head["topic"], Limits(**head.get("limits", {})), head.get("log_start", 0), tuple(batches))


async def run_case(case: Case) -> list[dict[str, Any]]:
    """What every batch became."""
    database, by = Database(), pipeline(case.topic.removesuffix("-events"), case.limits)
    store = MemoryStore(database, "golden")
    await store.claim(dict.fromkeys(case.partitions, 0))
    bounds = {tp: Bound(case.limits) for tp in case.partitions}
    summed = []
    for batch in case.batches:
        stretches = [Stretch(tp, 0, records) for tp, records in batch.items()]
        writes = await _commit(store, by, stretches, bounds, case.log_start)
        summed.append(_sum_up(batch, writes))
    return summed


async def _commit(
    store: MemoryStore,
    by: Pipeline,
    stretches: Sequence[Stretch],
    bounds: dict[TopicPartition, Bound],
    log_start: int,
) -> Writes:
    held = by.hold(stretches, by.read(stretches, {}), bounds)
    batch = by.read(held.stretches, {})
    where = await store.positions(s.tp for s in stretches)
    fences = {tp: Fence(position.next_offset, position.epoch, log_start) for tp, position in where.items()}
    plan = by.plan(batch, await store.streams(by.streams(batch)), fences, held.pauses)
    return await store.commit(plan, None)


def _record(line: dict[str, Any]) -> Sent:
    appended = datetime.fromisoformat(line["appended"]) if "appended" in line else APPENDED_AT
    return Sent(
        offset=line["offset"],
        value=_value(line),
        key=line["key"].encode() if "key" in line else None,
        headers=tuple((name, text.encode()) for name, text in line.get("headers", {}).items()),
        timestamp=int(appended.timestamp() * 1_000),
    )


def _value(line: dict[str, Any]) -> bytes | None:
    if "value" in line:
        return json.dumps(line["value"], ensure_ascii=False).encode()
    if "value_text" in line:
        return str(line["value_text"]).encode()
    return base64.b64decode(line["value_base64"]) if "value_base64" in line else None


def _sum_up(batch: Batch, writes: Writes) -> dict[str, Any]:
    rows = {name: [_plain(row) for row in made.to_pylist()] for name, made in sorted(writes.rows.items())}
    minutes = {
        r.minute: _plain_rows(writes.rollups[r.minute].to_pylist()) for r in ROLLUPS if r.minute in writes.rollups
    }
    parts: dict[str, Any] = {
        "outcomes": _outcomes(batch, writes),
        "rows": rows,
        "rollups": minutes,
        "dead_letters": [_letter(letter) for letter in writes.dead_letters],
        "gaps": [[*gap] for change in writes.streams for gap in sorted(change.opened())],
        "filled": [[*gap] for change in writes.streams for gap, is_filled in sorted(change.closed()) if is_filled],
        "lost": [[gap.tp.partition, gap.start, gap.end, gap.kind] for gap in writes.lost],
        "pauses": [[pause.tp.partition, pause.detail] for pause in writes.pauses],
        "unknown_fields": writes.unknown_fields,
        "key_mismatches": dict(writes.key_mismatches),
    }
    return {name: part for name, part in parts.items() if part}


def _outcomes(batch: Batch, writes: Writes) -> dict[str, str]:
    accepted = {(r["partition"], r["record_offset"]) for made in writes.rows.values() for r in made.to_pylist()}
    refused = {(d.tp.partition, d.record.offset): d.refusal.reason.value for d in writes.dead_letters}
    ends = {step.tp: step.next_offset for step in writes.progress}
    found = {}
    for tp, records in batch.items():
        for record in records:
            place = (tp.partition, record.offset)
            outcome = Outcome.ACCEPTED.value if place in accepted else refused.get(place, Outcome.DUPLICATE.value)
            found[f"{tp.partition}/{record.offset}"] = outcome if record.offset < ends[tp] else "not taken"
    return found


def _letter(letter: Any) -> list[Any]:
    return [letter.tp.partition, letter.record.offset, letter.refusal.reason.value, letter.refusal.detail]


def _plain_rows(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_plain(row) for row in rows]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its nulls, times as text, JSON read."""
    return {name: _readable(name, value) for name, value in row.items() if value is not None}


def _readable(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return json.loads(value) if name in JSON_TEXTS else value
