"""The formulas. Every need is proportional to events or bytes; docs/capacity.md says each in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.topics import load_topics
from streams.cli.sizing.constants import DAY_S, Constants

BUSY = 0.6
"""The share of a core that is planned for: the rest catches up after an outage and takes the peaks."""
LEAST_WORKERS = 2
PARTITIONS_PER_WORKER = 3
DATABASE_GB, BROKER_GB = 2.0, 1.0
HOT_S = 3_600
"""What the database's memory should hold: late events and refolding read the last hour."""
CACHED_S = 600
MINUTES = 24 * 60
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Site:
    """What is asked for. `events_per_s`, where given, scales all events of the terminals to that rate in all."""

    terminals: int
    events_per_s: float | None = None
    raw_days: float = 90.0
    topic_days: float = 7.0
    replication: int = 3


@dataclass(frozen=True, slots=True)
class Need:
    """What it takes. Cores are at `BUSY`; disk is that of the Apache edition, without compression."""

    terminals: int
    events_per_s: float
    worker_cores: float
    database_cores: float
    broker_cores: float
    workers: int
    partitions: Mapping[str, int]
    database_gb_per_day: float
    rollup_gb_per_year: float
    database_gb: float
    written_mb_per_s: float
    kafka_gb_per_day: float
    kafka_gb: float
    worker_memory_gb: float
    database_memory_gb: float
    broker_memory_gb: float

    @property
    def cores(self) -> float:
        """Of all parts together."""
        return self.worker_cores + self.database_cores + self.broker_cores

    @property
    def memory_gb(self) -> float:
        """Of all parts together."""
        return self.worker_memory_gb + self.database_memory_gb + self.broker_memory_gb


def need(site: Site, constants: Constants) -> Need:
    """What `site` takes, by these constants."""
    per_s = events_per_s(site, constants)
    total = sum(per_s.values())
    measured = constants.measured
    workers = max(LEAST_WORKERS, math.ceil(_cores(total, measured.worker_us_per_event.value)))
    stored_per_s = sum(rate * constants.stored[name].bytes_per_event for name, rate in per_s.items())
    sent_per_s = sum(rate * constants.record_bytes[constants.terminal[name].topic] for name, rate in per_s.items())
    rollup_per_day = _rollup_bytes_per_day(site, constants)
    daily = stored_per_s * DAY_S + rollup_per_day
    kafka_daily = sent_per_s * DAY_S * site.replication
    return Need(
        terminals=site.terminals,
        events_per_s=total,
        worker_cores=_cores(total, measured.worker_us_per_event.value),
        database_cores=_cores(total, measured.database_us_per_event.value),
        broker_cores=_cores(total, measured.broker_us_per_event.value),
        workers=workers,
        partitions=_partitions(workers, {constants.terminal[name].topic for name in per_s}),
        database_gb_per_day=daily / _GB,
        rollup_gb_per_year=rollup_per_day * 365 / _GB,
        database_gb=(stored_per_s * DAY_S * site.raw_days + rollup_per_day * 365) / _GB,
        written_mb_per_s=(daily / DAY_S + total * measured.wal_bytes_per_event.value) / 1e6,
        kafka_gb_per_day=kafka_daily / _GB,
        kafka_gb=kafka_daily * site.topic_days / _GB,
        worker_memory_gb=workers * measured.worker_rss_mb.value / 1e3,
        database_memory_gb=DATABASE_GB + stored_per_s * HOT_S / _GB,
        broker_memory_gb=BROKER_GB + sent_per_s * CACHED_S / _GB,
    )


def events_per_s(site: Site, constants: Constants) -> dict[str, float]:
    """By type, of all terminals together."""
    one = {name: flow.events_per_s for name, flow in constants.terminal.items()}
    scale = site.terminals if site.events_per_s is None else site.events_per_s / sum(one.values())
    return {name: rate * scale for name, rate in one.items()}


def _cores(per_s: float, us_per_event: float) -> float:
    return per_s * us_per_event / 1e6 / BUSY


def _partitions(workers: int, topics: set[str]) -> dict[str, int]:
    """As declared, or in whole multiples of that when there are more workers."""
    declared = {name: topic.partitions for name, topic in load_topics().items() if name in topics}
    wanted = workers * PARTITIONS_PER_WORKER
    return {name: count * max(1, math.ceil(wanted / count)) for name, count in sorted(declared.items())}


def _rollup_bytes_per_day(site: Site, constants: Constants) -> float:
    """At most a minute's row for an event and for each minute of a source, and a sixtieth of it for the hours."""
    minutes = sum(
        constants.stored[name].minute_bytes * constants.stored[name].rows_per_event * minutes_per_day
        for name, minutes_per_day in _minutes_per_day(site, constants).items()
    )
    return minutes * (1 + 1 / 60)


def _minutes_per_day(site: Site, constants: Constants) -> dict[str, float]:
    """In which something came, over all sources: more events than one a minute add to a row that is there."""
    rate = {name: per_s * DAY_S for name, per_s in events_per_s(site, constants).items()}
    most = {name: flow.sources * site.terminals * MINUTES for name, flow in constants.terminal.items()}
    return {name: min(rate[name], most[name]) for name in rate}
