"""Rollup deltas are additive: however the rows are parted and ordered, the sums are those of counting by hand."""

import json
import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.memory.additive import Key, Row, add_rows, hour_of, key_of
from schemas.examples import APPENDED_AT
from schemas.tables import RAW_BY_NAME, ROLLUPS, Column, RawTable, Rollup
from streams.core.columns import schema_of
from streams.core.rollup import minute_deltas

Rows = dict[str, list[Row]]
NAMES = [rollup.minute for rollup in ROLLUPS]
FEWER = settings(max_examples=settings().max_examples // 4)
# Halves and small whole numbers add up exactly in any order, so that equality needs no tolerance.
EXACT = st.integers(-1_000, 1_000).map(lambda n: n / 2)
TEXTS: dict[str, list[str]] = {
    "site": ["VNHPH-TANVU"],
    "lane": ["in-1", "out-2"],
    "object": ["cell-1", "cell-2"],
    "name": ["DRB.UEThpDl", "RRU.PrbTotDl"],
    "labels": ['{"bin":"0"}', "{}"],
    "step": ["gate_left", "exception", "ocr_read"],
    "direction": ["in", "out"],
}


def rows_of(table: RawTable) -> st.SearchStrategy[list[Row]]:
    """Rows of a raw table: few assets, few minutes, so that many share a key."""
    used = {column for rollup in ROLLUPS for column in _used_by(rollup, table)} | {"time", table.asset}
    columns = {c.name: _values(table, c) if c.name in used else st.just(_whatever(c)) for c in table.columns}
    return st.lists(st.fixed_dictionaries(columns), max_size=8)


def _used_by(rollup: Rollup, table: RawTable) -> Iterable[str]:
    measures = rollup.contributions.get(table.name, ())
    return (*rollup.key, *(m.field for m in measures if m.field), *(name for m in measures for name, _ in m.where))


def _whatever(column: Column) -> Any:
    return {"int": 0, "smallint": 0, "float": 0.0, "bool": False}.get(column.kind, "x") if column.required else None


def _values(table: RawTable, column: Column) -> st.SearchStrategy[Any]:
    name = column.name
    if name == "time":
        return st.integers(0, 3 * 3_600 * 1_000).map(lambda ms: APPENDED_AT - timedelta(milliseconds=ms))
    if name == table.asset:
        return st.sampled_from(["VNHPH-TANVU-A1", "VNHPH-TANVU-A2"])
    values = {
        "text": st.sampled_from(TEXTS.get(name, ["x"])),
        "jsonb": st.sampled_from(TEXTS.get(name, ["{}"])),
        "float": EXACT,
        "int": st.integers(0, 100),
        "bool": st.booleans(),
    }[column.kind]
    return values if column.required else st.none() | values


def raw_rows(rollup: Rollup) -> st.SearchStrategy[Rows]:
    """Rows of every raw table that contributes to a rollup."""
    return st.fixed_dictionaries({name: rows_of(RAW_BY_NAME[name]) for name in rollup.contributions})


def as_arrow(rows: Rows) -> dict[str, pa.RecordBatch]:
    return {
        name: pa.RecordBatch.from_pylist(found, schema=schema_of(RAW_BY_NAME[name])) for name, found in rows.items()
    }


def minutes_of(rollup: Rollup, batches: Iterable[Rows]) -> dict[Key, Row]:
    """The minute table after these batches."""
    kept: dict[Key, Row] = {}
    for batch in batches:
        deltas = minute_deltas(rollup, as_arrow(batch))
        add_rows(rollup.minute, kept, [] if deltas is None else deltas.to_pylist())
    return kept


def hours_of(rollup: Rollup, batches: Iterable[Rows]) -> dict[Key, Row]:
    """The hour table after these batches."""
    kept: dict[Key, Row] = {}
    for batch in batches:
        deltas = minute_deltas(rollup, as_arrow(batch))
        minutes = [] if deltas is None else deltas.to_pylist()
        add_rows(rollup.hour, kept, [row | {"bucket": hour_of(row)} for row in minutes])
    return kept


def counted_by_hand(rollup: Rollup, rows: Rows, bucket: timedelta) -> dict[Key, Row]:
    """What the declarations in schemas/tables.py say, row by row and measure by measure."""
    kept: dict[Key, Row] = {}
    for table, found in rows.items():
        for row in found:
            key_row = {"bucket": floor(row["time"], bucket), **{name: row[name] for name in rollup.key}}
            key = key_of(rollup.minute, key_row)
            totals = kept.setdefault(key, {**key_row, **{m.column: _nothing(m.how) for m in rollup.measures}})
            for measure in rollup.contributions[table]:
                totals[measure.column] = _counted(measure, totals[measure.column], row)
    return kept


def floor(moment: datetime, bucket: timedelta) -> datetime:
    return moment - (moment - datetime.fromisoformat("2000-01-01T00:00:00Z")) % bucket


def _nothing(how: str) -> Any:
    return None if how in ("min", "max") else 0


def _counted(measure: Any, before: Any, row: Row) -> Any:
    if measure.how == "rows":
        return before + all(row[name] == value for name, value in measure.where)
    value = row[measure.field]
    if value is None:
        return before
    if measure.how == "count":
        return before + 1
    if measure.how == "sum":
        return before + value
    return value if before is None else (min if measure.how == "min" else max)(before, value)


def parted(rows: Rows, ways: Sequence[int]) -> list[Rows]:
    """The rows dealt out to batches: row i of each table to batch `ways[i]`."""
    batches: list[Rows] = [{name: [] for name in rows} for _ in range(4)]
    for name, found in rows.items():
        for position, row in enumerate(found):
            batches[ways[position % len(ways)]][name].append(row)
    return batches


@pytest.mark.parametrize("name", NAMES)
@FEWER
@given(data=st.data(), ways=st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_any_split_of_rows_gives_the_sums_counted_by_hand(name: str, data: st.DataObject, ways: list[int]) -> None:
    rollup = ROLLUPS[NAMES.index(name)]
    rows = data.draw(raw_rows(rollup))
    batches = parted(rows, ways)
    assert minutes_of(rollup, batches) == counted_by_hand(rollup, rows, timedelta(minutes=1))
    assert hours_of(rollup, batches) == counted_by_hand(rollup, rows, timedelta(hours=1))


@pytest.mark.parametrize("name", NAMES)
@FEWER
@given(data=st.data(), ways=st.lists(st.integers(0, 3), min_size=1, max_size=12), order=st.permutations(range(4)))
def test_order_of_batches_does_not_matter(name: str, data: st.DataObject, ways: list[int], order: list[int]) -> None:
    rollup = ROLLUPS[NAMES.index(name)]
    batches = parted(data.draw(raw_rows(rollup)), ways)
    assert minutes_of(rollup, [batches[i] for i in order]) == minutes_of(rollup, batches)


@pytest.mark.parametrize("name", NAMES)
@FEWER
@given(data=st.data())
def test_deltas_are_sorted_by_key_and_each_key_comes_once(name: str, data: st.DataObject) -> None:
    """Two workers that touch the same rows must lock them in the same order."""
    rollup = ROLLUPS[NAMES.index(name)]
    deltas = minute_deltas(rollup, as_arrow(data.draw(raw_rows(rollup))))
    if deltas is None:
        return
    keys = [tuple(row[name] for name in (*rollup.key, "bucket")) for row in deltas.to_pylist()]
    assert keys == sorted(set(keys))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.integers(1, 30))
def test_sums_of_any_floats_differ_only_by_rounding(loads: list[float], cut: int) -> None:
    rollup = ROLLUPS[NAMES.index("port.crane_minute")]
    rows = [_sample(load) for load in loads]
    (total,) = minutes_of(rollup, [{"port.crane_sample": part} for part in (rows[:cut], rows[cut:]) if part]).values()
    size = math.fsum(map(abs, loads))
    assert abs(total["load_t_sum"] - math.fsum(loads)) <= 1e-9 * size


def _sample(load_t: float) -> Row:
    known = {"time": APPENDED_AT, "crane_id": "VNHPH-TANVU-A1", "site": "VNHPH-TANVU", "source": "s", "event_id": "e"}
    return {**known, "partition": 0, "record_offset": 0, "load_t": load_t}


def test_nothing_adds_nothing() -> None:
    assert minute_deltas(ROLLUPS[0], {}) is None
    assert minute_deltas(ROLLUPS[0], as_arrow({"port.crane_sample": []})) is None


def test_labels_are_told_apart_by_value() -> None:
    assert json.loads(TEXTS["labels"][0]) != json.loads(TEXTS["labels"][1])
