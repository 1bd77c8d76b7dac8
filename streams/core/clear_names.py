"""Names that arrive in the clear where a site sends pseudonyms only: withheld from its rows, and counted.

The event is accepted all the same: refusing it would keep the name in a dead letter. Pure.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from schemas.pseudonyms import PATTERN, UNDECLARED, WITHHELD, Named, is_clear, named_fields
from schemas.tables import RAW_BY_NAME

_NO_NAME: Final = f"^(?:{PATTERN.pattern}|{WITHHELD}|)$"
_UNDECLARED: Final = "|".join(f'"{name}"' for name in UNDECLARED)

Rows = Mapping[str, pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class Sites:
    """The sites whose events hold pseudonyms only; `names` None: all of them."""

    names: frozenset[str] | None = frozenset()

    def covers(self, site: pa.Array) -> pa.Array:
        """By row."""
        if self.names is None:
            return pa.array([True] * len(site))
        return pc.is_in(site, value_set=pa.array(sorted(self.names), pa.string()))


def withhold(rows: Rows, sites: Sites) -> tuple[Rows, Counter[str]]:
    """The rows of a batch without clear names of these sites, and how many were withheld by site."""
    found: Counter[str] = Counter()
    if sites.names == frozenset():
        return rows, found
    return {table: _without(table, batch, sites, found) for table, batch in rows.items()}, found


def _without(table: str, batch: pa.RecordBatch, sites: Sites, found: Counter[str]) -> pa.RecordBatch:
    covered = sites.covers(batch["site"])
    for name, named in named_fields(RAW_BY_NAME[table].model.TYPE).items():
        clear = pc.and_(covered, _clear(batch, name, named))
        if pc.any(clear).as_py():
            found.update(batch["site"].filter(clear).to_pylist())
            batch = _with_column(batch, name, pc.if_else(clear, WITHHELD, batch[name]))
    unknown = pc.and_(covered, pc.fill_null(pc.match_substring_regex(batch["extra"], _UNDECLARED), fill_value=False))
    if pc.any(unknown).as_py():
        batch = _with_column(batch, "extra", _undeclared(batch, unknown.to_pylist(), found))
    return batch


def _clear(batch: pa.RecordBatch, name: str, named: Named) -> pa.Array:
    clear = pc.fill_null(pc.invert(pc.match_substring_regex(batch[name], _NO_NAME)), fill_value=False)
    return pc.and_(clear, pc.equal(batch[named.field], named.value)) if named.field else clear


def _undeclared(batch: pa.RecordBatch, where: list[bool], found: Counter[str]) -> pa.Array:
    texts = batch["extra"].to_pylist()
    for row in (i for i, is_there in enumerate(where) if is_there):
        extra = json.loads(texts[row])
        clear = [name for name in UNDECLARED if is_clear(extra.get(name))]
        if clear:
            found[batch["site"][row].as_py()] += len(clear)
            texts[row] = json.dumps({**extra, **dict.fromkeys(clear, WITHHELD)}, separators=(",", ":"))
    return pa.array(texts, pa.string())


def _with_column(batch: pa.RecordBatch, name: str, column: pa.Array) -> pa.RecordBatch:
    columns = [column if field.name == name else batch[field.name] for field in batch.schema]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
