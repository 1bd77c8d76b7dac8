"""The fact store with every kind of fact: composition, as the worker, `verify` and the tests use it."""

from connectors.timescale.alarm_folding import AlarmFolding
from connectors.timescale.crane_folding import CraneFolding
from connectors.timescale.keyed_folding import KeyedFolding
from connectors.timescale.pool import Pool
from connectors.timescale.refolds import Folding, TimescaleFactStore
from streams.facts.kinds import CELL, CRANE, KEYED


def foldings() -> dict[str, Folding]:
    """How each kind is folded."""
    keyed = {name: KeyedFolding(kind) for name, kind in KEYED.items()}
    return {CRANE.table.kind: CraneFolding(CRANE), **keyed, CELL.table.kind: AlarmFolding(CELL)}


def open_fact_store(pool: Pool) -> TimescaleFactStore:
    """The store of a worker; the pool stays the caller's."""
    return TimescaleFactStore(pool, foldings(), KEYED)
