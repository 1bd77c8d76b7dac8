"""From two scrapes of every worker to one reading: rates, lags, latencies. Pure; what is unknown is None, never 0."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas.events import DOMAINS
from schemas.metrics import (
    COMMIT_RETRIES,
    COMMIT_ROWS,
    COMMIT_SECONDS,
    DEAD_LETTERS_UNRELAYED,
    EVENT_AGE,
    FENCED,
    LAST_COMMIT_TIMESTAMP,
    PARTITION_LAG_RECORDS,
    PARTITION_LAG_SECONDS,
    PARTITION_PAUSED,
    RECORDS,
)

if TYPE_CHECKING:
    from connectors.prometheus.exposition import Exposition

OUTCOMES: Final = ("accepted", "duplicate", "rejected")


@dataclass(frozen=True, slots=True)
class DomainReading:
    """Of one domain: records a second by outcome, ages of accepted events at commit, and the lag of its partitions."""

    domain: str
    accepted_per_s: float
    duplicate_per_s: float
    rejected_per_s: float
    age_p50_s: float | None
    age_p99_s: float | None
    lag_records: float | None
    lag_s: float | None


@dataclass(frozen=True, slots=True)
class PartitionReading:
    """Of one partition: its lag, and how long ago it last committed."""

    topic: str
    partition: int
    lag_records: float | None
    lag_s: float | None
    committed_ago_s: float | None
    paused: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """All workers together, over `interval_s`. Totals are since the workers began."""

    interval_s: float
    workers: int
    domains: tuple[DomainReading, ...]
    partitions: tuple[PartitionReading, ...]
    commits_per_s: float
    rows_per_s: float
    commit_p50_s: float | None
    commit_p99_s: float | None
    retries: Mapping[str, int]
    fenced: int
    rejected: Mapping[str, int]
    dead_letters_unrelayed: int | None


Scrapes = Mapping[str, "Exposition"]


def read(before: Scrapes, after: Scrapes, interval_s: float, now: float) -> Reading:
    """By address. A worker that is in `after` only has begun since: nothing of it is a rate yet. `now` is Unix time."""
    pairs = [(before[url], scrape) for url, scrape in after.items() if url in before]
    scrapes = list(after.values())
    partitions = _partitions(scrapes, now)
    return Reading(
        interval_s=interval_s,
        workers=len(after),
        domains=tuple(_domain(name, pairs, partitions, interval_s) for name in DOMAINS),
        partitions=partitions,
        commits_per_s=_moved(pairs, f"{COMMIT_SECONDS.name}_count") / interval_s,
        rows_per_s=_moved(pairs, f"{COMMIT_ROWS.name}_sum") / interval_s,
        commit_p50_s=_quantile(0.5, pairs, COMMIT_SECONDS.name),
        commit_p99_s=_quantile(0.99, pairs, COMMIT_SECONDS.name),
        retries=_by(scrapes, COMMIT_RETRIES.name, "cause"),
        fenced=int(sum(scrape.total(FENCED.name) for scrape in scrapes)),
        rejected=_by(scrapes, RECORDS.name, "reason", outcome="rejected"),
        dead_letters_unrelayed=_whole(_known(v for s in scrapes for _, v in s.of(DEAD_LETTERS_UNRELAYED.name))),
    )


Pairs = Sequence[tuple["Exposition", "Exposition"]]


def _domain(domain: str, pairs: Pairs, partitions: Sequence[PartitionReading], interval_s: float) -> DomainReading:
    accepted, duplicate, rejected = (
        _moved(pairs, RECORDS.name, domain=domain, outcome=outcome) / interval_s for outcome in OUTCOMES
    )
    own = [one for one in partitions if one.topic == f"{domain}-events"]
    seconds = [one.lag_s for one in own]
    return DomainReading(
        domain,
        accepted,
        duplicate,
        rejected,
        age_p50_s=_quantile(0.5, pairs, EVENT_AGE.name, domain=domain),
        age_p99_s=_quantile(0.99, pairs, EVENT_AGE.name, domain=domain),
        lag_records=_sum(one.lag_records for one in own),
        lag_s=None if not own or None in seconds else max(s for s in seconds if s is not None),
    )


def _partitions(scrapes: Iterable["Exposition"], now: float) -> tuple[PartitionReading, ...]:
    """Those with most seconds behind first, unknown ones before all."""
    found: dict[tuple[str, int], dict[str, float]] = {}
    for scrape in scrapes:
        for metric in (PARTITION_LAG_RECORDS, PARTITION_LAG_SECONDS, LAST_COMMIT_TIMESTAMP, PARTITION_PAUSED):
            for labels, value in scrape.of(metric.name):
                place = labels["topic"], int(labels["partition"])
                found.setdefault(place, {})[metric.name] = value
    readings = [_partition(*place, values, now) for place, values in found.items()]
    return tuple(sorted(readings, key=lambda r: (-_or_far(r.lag_s), -_or_far(r.lag_records), r.topic, r.partition)))


def _partition(topic: str, partition: int, values: Mapping[str, float], now: float) -> PartitionReading:
    committed = _finite(values.get(LAST_COMMIT_TIMESTAMP.name))
    return PartitionReading(
        topic,
        partition,
        _finite(values.get(PARTITION_LAG_RECORDS.name)),
        _finite(values.get(PARTITION_LAG_SECONDS.name)),
        None if not committed else max(0.0, now - committed),
        values.get(PARTITION_PAUSED.name) == 1,
    )


def _moved(pairs: Pairs, name: str, **labels: str) -> float:
    """How far a counter went. One that went back belongs to a process that began again at 0."""
    moved = 0.0
    for before, after in pairs:
        was, now = before.total(name, **labels), after.total(name, **labels)
        moved += now - was if now >= was else now
    return moved


def _quantile(q: float, pairs: Pairs, name: str, **labels: str) -> float | None:
    """As Prometheus' histogram_quantile: linear within a bucket, its lower bound in the last; None without samples."""
    counts: dict[float, float] = {}
    for before, after in pairs:
        was = {tuple(sorted(own.items())): value for own, value in before.of(f"{name}_bucket", **labels)}
        for own, value in after.of(f"{name}_bucket", **labels):
            bound = float(own["le"])
            counts[bound] = counts.get(bound, 0.0) + max(0.0, value - was.get(tuple(sorted(own.items())), 0.0))
    total = counts.get(math.inf, 0.0)
    if not total:
        return None
    below, lower = 0.0, 0.0
    for bound in sorted(counts):
        if counts[bound] >= q * total:
            return (
                lower if bound == math.inf else lower + (bound - lower) * (q * total - below) / (counts[bound] - below)
            )
        below, lower = counts[bound], bound
    return lower


def _by(scrapes: Iterable["Exposition"], name: str, label: str, **labels: str) -> dict[str, int]:
    totals: dict[str, float] = {}
    for scrape in scrapes:
        for own, value in scrape.of(name, **labels):
            totals[own[label]] = totals.get(own[label], 0.0) + value
    return {key: int(value) for key, value in sorted(totals.items(), key=lambda pair: -pair[1]) if value}


def _known(values: Iterable[float]) -> list[float] | None:
    found = list(values)
    return None if not found or any(math.isnan(value) for value in found) else found


def _whole(values: list[float] | None) -> int | None:
    return None if values is None else int(sum(values))


def _sum(values: Iterable[float | None]) -> float | None:
    found = list(values)
    return None if not found or None in found else sum(value for value in found if value is not None)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _or_far(value: float | None) -> float:
    return math.inf if value is None else value
