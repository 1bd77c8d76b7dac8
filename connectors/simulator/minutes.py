"""The truth's own arithmetic of minute rollups: plain dictionaries over generated events, one event at a time.

It shares with the worker only the declarations of tables and rollups and the units; no code of it.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from connectors.simulator.facts import Fact
from connectors.simulator.moments import MINUTE_MS, from_ms
from schemas.identifiers import site_of
from schemas.tables import CELL_MEASUREMENT, RAW_BY_TYPE, ROLLUPS, Measure, Rollup
from schemas.units import to_si

Row = dict[str, Any]
_ROLLUP_OF: Final = {table: rollup for rollup in ROLLUPS for table in rollup.contributions}


class Minutes:
    """Rows per raw table, and what every minute of every asset adds up to."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self._cells: dict[str, dict[tuple[Any, ...], Row]] = {rollup.minute: {} for rollup in ROLLUPS}

    def add(self, fact: Fact) -> None:
        """Take an accepted event in."""
        table = RAW_BY_TYPE[fact.type]
        rollup = _ROLLUP_OF.get(table.name)
        for row in _rows(fact):
            self.rows[table.name] += 1
            if rollup is not None:
                row[table.asset] = fact.subject
                row["site"] = site_of(fact.subject)
                _add(self._cell(rollup, fact.time_ms, row), rollup.contributions[table.name], row)

    def as_json(self) -> dict[str, list[Row]]:
        """By minute table, sorted by key and bucket; labels as an object."""
        return {name: [_shown(cells[key]) for key in sorted(cells)] for name, cells in self._cells.items()}

    def _cell(self, rollup: Rollup, time_ms: int, row: Row) -> Row:
        bucket_ms = time_ms - time_ms % MINUTE_MS
        key = (*(row[name] for name in rollup.key), bucket_ms)
        cells = self._cells[rollup.minute]
        cell = cells.get(key)
        if cell is None:
            cell = cells[key] = {"bucket": bucket_ms} | {name: row[name] for name in rollup.key}
            cell |= {m.column: None if m.how in ("min", "max") else 0 for m in rollup.measures}
        return cell


def _rows(fact: Fact) -> Iterator[Row]:
    """The rows one event makes: itself, or one per value and per bin of a report."""
    data = fact.data
    if fact.type != CELL_MEASUREMENT.model.TYPE:
        yield dict(data)
        return
    for measurement in data["measurements"]:
        labels = {name: str(value) for name, value in measurement.get("labels", {}).items()}
        bins = measurement.get("bins")
        values = [(labels, measurement.get("value"))] if bins is None else [
            (labels | {"bin": str(position)}, value) for position, value in enumerate(bins)
        ]  # fmt: skip
        for own_labels, value in values:
            value_si, _ = to_si(value, measurement.get("unit"))
            yield {
                "object": data["object"],
                "suspect": data.get("suspect"),
                "name": measurement["name"],
                "labels": json.dumps(own_labels, sort_keys=True),
                "value_si": value_si,
            }


def _add(cell: Row, measures: tuple[Measure, ...], row: Row) -> None:
    for column, how, field, where in ((m.column, m.how, m.field, m.where) for m in measures):
        if how == "rows":
            cell[column] += all(row.get(name) == value for name, value in where)
            continue
        value = row.get(field or "")
        if value is None:
            continue
        if how == "sum":
            cell[column] += value
        elif how == "count":
            cell[column] += 1
        else:
            before = cell[column]
            cell[column] = value if before is None else (min if how == "min" else max)(before, value)


def _shown(cell: Row) -> Row:
    shown = dict(cell)
    shown["bucket"] = from_ms(cell["bucket"]).strftime("%Y-%m-%dT%H:%M:%SZ")
    if "labels" in shown:
        shown["labels"] = json.loads(shown["labels"])
    return shown
