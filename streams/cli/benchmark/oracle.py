"""What the database must hold after a run, computed from the events in plain Python, without the product's code.

A run counts only when rows, identities and (where they are kept) rollups match.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import asyncpg

from streams.cli.benchmark.shape import PORT, Shape
from streams.cli.benchmark.workload import MINUTE_US, Sample

HOUR_US = 60 * MINUTE_US
RELATIVE = 1e-9
SHOWN = 3
Key = tuple[datetime, str]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROWS = """
SELECT count(*) AS rows, count(DISTINCT ({source}, {event_id})) AS identities FROM {table}
"""
_RAW = """
SELECT date_trunc('minute', {time}, 'UTC') AS bucket, {crane_id} AS crane_id, count(*) AS samples, sum(sequence)::bigint AS sequences,
  max(load_t) AS load_t_max, coalesce(sum(load_t), 0) AS load_t_sum, count(load_t) AS load_t_count,
  max(wind_mps) AS wind_mps_max, sum(power_kw) AS power_kw_sum, count(power_kw) AS power_kw_count,
  max(hoist_speed_mps) AS hoist_speed_mps_max, sum(hoist_speed_mps) AS hoist_speed_mps_sum,
  sum(hoist_position_m) AS hoist_position_m_sum, sum(wind_mps) AS wind_mps_sum
FROM {table} GROUP BY 1, 2
"""
_ROLLUP = """
SELECT bucket, crane_id, samples, load_t_max, load_t_sum, load_t_count, wind_mps_max, power_kw_sum, power_kw_count,
  hoist_speed_mps_max
FROM port.crane_{unit}
"""


@dataclass(slots=True)
class Totals:
    """One crane in one minute or hour; maxima are None where nothing was measured."""

    samples: int = 0
    sequences: int = 0
    load_t_max: float | None = None
    load_t_sum: float = 0.0
    load_t_count: int = 0
    wind_mps_max: float | None = None
    power_kw_sum: float = 0.0
    power_kw_count: int = 0
    hoist_speed_mps_max: float | None = None
    hoist_speed_mps_sum: float = 0.0
    hoist_position_m_sum: float = 0.0
    wind_mps_sum: float = 0.0

    def add(self, sample: Sample) -> None:
        """Count a sample in."""
        self.samples += 1
        self.sequences += sample.sequence
        if sample.load_t is not None:
            self.load_t_max = max(sample.load_t, self.load_t_max or 0.0)
            self.load_t_sum += sample.load_t
            self.load_t_count += 1
        self.wind_mps_max = max(sample.wind_mps, self.wind_mps_max or 0.0)
        self.power_kw_sum += sample.power_kw
        self.power_kw_count += 1
        self.hoist_speed_mps_max = max(sample.hoist_speed_mps, self.hoist_speed_mps_max or 0.0)
        self.hoist_speed_mps_sum += sample.hoist_speed_mps
        self.hoist_position_m_sum += sample.hoist_position_m
        self.wind_mps_sum += sample.wind_mps


class Answer(Protocol):
    """What must be stored after a run, and how what is stored differs from it, in words."""

    async def check_rows(self, connection: asyncpg.Connection, shape: Shape) -> list[str]:
        """Of the raw rows."""

    async def check_rollups(self, connection: asyncpg.Connection) -> list[str]:
        """Of the rollups."""


@dataclass(frozen=True, slots=True)
class Expected:
    """`rows` rows, each of another event; totals by (bucket, crane)."""

    rows: int
    minutes: Mapping[Key, Totals] = field(repr=False)
    hours: Mapping[Key, Totals] = field(repr=False)

    async def check_rows(self, connection: asyncpg.Connection, shape: Shape) -> list[str]:
        """See `check`."""
        return await check(connection, self, shape)

    async def check_rollups(self, connection: asyncpg.Connection) -> list[str]:
        """See the function of that name."""
        return await check_rollups(connection, self)


def expect(samples: Iterable[Sample]) -> Expected:
    """What must be stored when each of these samples was taken once, however often it came."""
    minutes: dict[Key, Totals] = {}
    hours: dict[Key, Totals] = {}
    seen: set[tuple[str, str]] = set()
    for sample in samples:
        if (sample.source, sample.event_id) in seen:
            continue
        seen.add((sample.source, sample.event_id))
        for buckets, step_us in ((minutes, MINUTE_US), (hours, HOUR_US)):
            buckets.setdefault(_key(sample, step_us), Totals()).add(sample)
    return Expected(len(seen), minutes, hours)


async def check(connection: asyncpg.Connection, expected: Expected, shape: Shape = PORT) -> list[str]:
    """How the raw rows differ from what is expected, in words; empty when they do not."""
    columns = asdict(shape)
    found = await connection.fetchrow(_ROWS.format(**columns))
    assert found is not None  # noqa: S101  (an aggregate has a row)
    faults = [
        f"{found[name]} {name} instead of {expected.rows}"
        for name in ("rows", "identities")
        if found[name] != expected.rows
    ]
    return faults + differences("raw", await _fetch(connection, _RAW.format(**columns)), expected.minutes)


async def check_rollups(connection: asyncpg.Connection, expected: Expected) -> list[str]:
    """The same of the minute and hour tables."""
    minutes = await _fetch(connection, _ROLLUP.format(unit="minute"))
    hours = await _fetch(connection, _ROLLUP.format(unit="hour"))
    return differences("minute", minutes, expected.minutes) + differences("hour", hours, expected.hours)


def differences(what: str, rows: Iterable[Mapping[str, Any]], expected: Mapping[Key, Totals]) -> list[str]:
    """Buckets that are missing, baseless or different; the first few in full, then how many more."""
    found: dict[Key, Mapping[str, Any]] = {(row["bucket"], row["crane_id"]): row for row in rows}
    faults = [f"{what} {_where(key)}: missing" for key in sorted(expected.keys() - found.keys())]
    faults += [f"{what} {_where(key)}: nothing behind it" for key in sorted(found.keys() - expected.keys())]
    for key in sorted(expected.keys() & found.keys()):
        faults += [f"{what} {_where(key)}: {fault}" for fault in _unequal(found[key], expected[key])]
    return faults[:SHOWN] + ([f"{what}: {len(faults) - SHOWN} more"] if len(faults) > SHOWN else [])


async def _fetch(connection: asyncpg.Connection, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await connection.fetch(query)]


def _unequal(row: Mapping[str, Any], totals: Totals) -> list[str]:
    columns = [field.name for field in fields(Totals) if field.name in row]
    return [
        f"{name} is {row[name]}, expected {getattr(totals, name)}"
        for name in columns
        if not _is_near(row[name], getattr(totals, name))
    ]


def _is_near(found: object, expected: float | None) -> bool:
    if not isinstance(found, (int, float)) or expected is None:
        return found is None and expected is None
    return math.isclose(found, expected, rel_tol=RELATIVE, abs_tol=1e-9)


def _key(sample: Sample, step_us: int) -> Key:
    return _EPOCH + timedelta(microseconds=sample.time_us // step_us * step_us), sample.crane


def _where(key: Key) -> str:
    return f"{key[0]:%Y-%m-%dT%H:%MZ} {key[1]}"
