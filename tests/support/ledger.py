"""The ledger of a memory database, checked as `quaystream verify` checks the real one, in words."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from connectors.memory import Database
from connectors.memory.additive import Key, Row, key_of
from schemas.outcome import POISON
from schemas.tables import ROLLUPS, Rollup
from streams.core.record import TopicPartition
from streams.core.sequence import Gap
from streams.core.writes import Writes
from tests.support.lanes import differences


def problems(database: Database, topic: str) -> Iterator[str]:
    """Everything that does not add up."""
    yield from differences(database)
    yield from _counts(database, topic)
    yield from _identities(database)
    yield from _rollups(database)
    yield from _streams(database)


def places(database: Database, topic: str) -> Counter[tuple[TopicPartition, int]]:
    """How many outcomes other than duplicate every offset has; one record may have many rows."""
    rows = {
        (TopicPartition(topic, row["partition"]), row["record_offset"])
        for found in database.rows.values()
        for row in found
    }
    letters = Counter((letter.tp, letter.record.offset) for letter in database.dead_letters)
    lost = Counter((gap.tp, offset) for gap in database.lost for offset in range(gap.start, gap.end))
    return Counter(rows) + letters + lost


class PoisonRuns:
    """How many dead letters in a row each claim of a partition has taken, commit by commit."""

    def __init__(self) -> None:
        self._runs: dict[TopicPartition, tuple[tuple[int, int], int]] = {}

    def forget(self, tp: TopicPartition) -> None:
        """A pause was lifted: the bound counts afresh."""
        self._runs.pop(tp, None)

    def longest(self, writes: Writes) -> int:
        """The longest run this commit made or prolonged."""
        poison = {(d.tp, d.record.offset) for d in writes.dead_letters if d.refusal.reason in POISON}
        longest = 0
        for step in writes.progress:
            where, run = self._runs.get(step.tp, ((0, 0), 0))
            run = run if where == (step.epoch, step.expected) else 0
            for offset in range(step.expected, step.next_offset):
                run = run + 1 if (step.tp, offset) in poison else 0
                longest = max(longest, run)
            self._runs[step.tp] = ((step.epoch, step.next_offset), run)
        return longest


def _counts(database: Database, topic: str) -> Iterator[str]:
    rows = Counter(row["partition"] for found in database.rows.values() for row in found)
    letters = Counter(letter.tp for letter in database.dead_letters)
    lost: Counter[TopicPartition] = Counter()
    for gap in database.lost:
        lost[gap.tp] += gap.end - gap.start
    for tp, line in database.partitions.items():
        found = (rows[tp.partition], letters[tp], lost[tp])
        if found != (line.accepted, line.rejected, line.missing):
            yield f"{tp}: rows, dead letters, lost offsets are {found}, counted {line}"
    for (tp, offset), times in places(database, topic).items():
        if times > 1:
            yield f"{tp} offset {offset} has {times} outcomes"
        if not database.partitions[tp].first_offset <= offset < database.partitions[tp].next_offset:
            yield f"{tp} offset {offset} has an outcome beyond the fence"


def _identities(database: Database) -> Iterator[str]:
    ids = Counter((row["source"], row["event_id"]) for rows in database.rows.values() for row in rows)
    yield from (f"{identity} is stored {times} times" for identity, times in ids.items() if times > 1)
    if sum(accepted for accepted, _ in database.sources.values()) != sum(ids.values()):
        yield "the sources' tallies are not the rows"


def _rollups(database: Database) -> Iterator[str]:
    database.roll_hours()
    for rollup in ROLLUPS:
        for table, span in ((rollup.minute, "minute"), (rollup.hour, "hour")):
            expected = {key: sum_up(rollup, rows) for key, rows in _by_key(database, rollup, span).items()}
            stored = database.rollups.get(table, {})
            found = {key: {m.column: row[m.column] for m in rollup.measures} for key, row in stored.items()}
            if found != expected:
                yield f"{table} is {found}, its rows add up to {expected}"


def _by_key(database: Database, rollup: Rollup, span: str) -> dict[Key, list[tuple[str, Row]]]:
    rows: dict[Key, list[tuple[str, Row]]] = {}
    for table in rollup.contributions:
        for row in database.rows.get(table, ()):
            moment = row["time"].replace(second=0, microsecond=0)
            bucket = moment if span == "minute" else moment.replace(minute=0)
            rows.setdefault(key_of(rollup.minute, {**row, "bucket": bucket}), []).append((table, row))
    return rows


def sum_up(rollup: Rollup, rows: list[tuple[str, Row]]) -> Row:
    """The measures of rows that share a bucket."""
    totals: Row = {}
    for measure in rollup.measures:
        mine = [row for table, row in rows if measure in rollup.contributions[table]]
        totals[measure.column] = _measured(measure, mine)
    return totals


def _measured(measure: Any, rows: list[Row]) -> Any:
    if measure.how == "rows":
        return sum(all(row[name] == value for name, value in measure.where) for row in rows)
    values = [row[measure.field] for row in rows if row[measure.field] is not None]
    if measure.how == "count":
        return len(values)
    if measure.how == "sum":
        return sum(values)
    return (min if measure.how == "min" else max)(values, default=None)


def _streams(database: Database) -> Iterator[str]:
    stored: dict[Any, set[int]] = {}
    for rows in database.rows.values():
        for row in rows:
            if row["bootid"] is not None and row["sequence"] is not None:
                stored.setdefault((row["source"], row["bootid"], row["crane_id"]), set()).add(row["sequence"])
    for key, state in database.streams.items():
        pairs = zip(state.intervals[::2], state.intervals[1::2], strict=True)
        numbers = {number for start, end in pairs for number in range(start, end + 1)}
        if numbers != stored.pop((key.source, key.bootid, key.subject), set()):
            yield f"{key} has {sorted(numbers)}, not the numbers of its rows"
        kept: set[Gap] = {line.gap for line in database.gaps if line.key == key and not line.is_filled}
        if kept != state.gaps():
            yield f"{key} keeps the gaps {sorted(kept)}, not {sorted(state.gaps())}"
    if stored:
        yield f"numbers without a stream: {stored}"
