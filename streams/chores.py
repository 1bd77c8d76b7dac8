"""What the worker does beside the lanes, each on its own timer: lag, pauses, relay, sums, retention, verification."""

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import structlog
from aiokafka.errors import KafkaError
from faust.types import TP
from mode import Service

from connectors.kafka.options import access_from
from connectors.kafka.producer import Publisher
from connectors.kafka.relay import DeadLetterRelay
from connectors.prometheus import Registry
from connectors.timescale.attribution import attribute, newest_work
from connectors.timescale.effects import store_effects
from connectors.timescale.hours import roll_streams
from connectors.timescale.pool import Connection, Pool
from connectors.timescale.reference import Directory, read_directory
from connectors.timescale.retention import effective_kept, retire_expired
from connectors.timescale.sla import RESTS, Judgement, judge_minutes
from schemas import metrics
from schemas.errors import QuaystreamError
from schemas.events.model import TYPE_PREFIX
from schemas.identifiers import site_of
from schemas.sla import Device, load_profiles, profiles_of
from streams.core.record import TopicPartition
from streams.facts.sla_minute import STATES
from streams.ownership import Ownership
from streams.restart import settle
from streams.settings import Settings
from streams.store import Store
from streams.transport import BatchConsumer
from streams.verifying import Verifying
from streams.watchdog import Watchdog

log = structlog.get_logger()
# InternalClientError: a session that the server ended at a bad moment.
PASSING = (
    *(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError),
    *(OSError, TimeoutError, KafkaError, QuaystreamError),
)

_NOTHING_FOR_S = 4.0
_ANSWER_S = 10.0
_AFTER_FAILURE_S = 10.0
_BUSY_S = 0.1
_VERIFY_S = 60.0
_ATTRIBUTED = timedelta(days=8)
_MISSING = """
SELECT g.type, g.subject, sum(g.to_sequence - g.from_sequence + 1)::bigint - coalesce(sum(d.known), 0)::bigint AS missing
FROM ingest.sequence_gap g
LEFT JOIN LATERAL (
  SELECT count(DISTINCT d.sequence) AS known FROM ingest.dead_letter d
  WHERE d.source = g.source AND d.bootid = g.bootid AND d.subject = g.subject AND d.type = g.type
    AND d.sequence BETWEEN g.from_sequence AND g.to_sequence
) d ON true
WHERE g.filled_at IS NULL
GROUP BY g.type, g.subject
"""
# A number that was refused has not been stored either: as in kpi.completeness.
_COMPLETENESS = """
SELECT domain, site, 1 - (sum(missing) / sum(counted))::float8 AS ratio
FROM (
  SELECT split_part(s.type, '.', 3) AS domain, substring(s.subject FROM '^[^-]+-[^-]+') AS site,
         s.intervals[cardinality(s.intervals)] AS counted,
         (SELECT coalesce(sum(g.to_sequence - g.from_sequence + 1), 0) FROM ingest.sequence_gap g
          WHERE g.stream_id = s.stream_id AND g.filled_at IS NULL) AS missing
  FROM ingest.sequence_stream s
  WHERE s.updated_at > now() - INTERVAL '1 hour' AND s.intervals[cardinality(s.intervals)] > 0
) AS heard
GROUP BY domain, site
"""
_LEDGER = """
SELECT topic, sum(abs(next_offset - first_offset - accepted - duplicate - rejected - missing))::bigint AS difference
FROM ingest.partition_offset GROUP BY topic
"""
_UNRELAYED = "SELECT topic, count(*) AS waiting FROM ingest.dead_letter WHERE relayed_at IS NULL GROUP BY topic"


class Chores(Service):
    """Timers of one worker; a failure is logged and tried again at the next turn, it never stops ingest."""

    def __init__(
        self, settings: Settings, pool: Pool, store: Store, registry: Registry, watchdog: Watchdog, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings
        self._pool = pool
        self._store = store
        self._registry = registry
        self._watchdog = watchdog
        self._verifying = Verifying(settings.worker_dsn(), registry)
        self.consumer: Callable[[], BatchConsumer] | None = None
        self.ownership: Ownership | None = None
        self.on_caught_up: Callable[[], None] | None = None
        self.is_settled: Callable[[], Awaitable[bool]] | None = None
        self.on_directory: Callable[[Directory], None] = lambda _: None
        self.on_keys_changed: Callable[[], None] = lambda: None
        self._keys = _content(settings.gateway_keys_file)
        self._counted: set[tuple[str, str]] = set()

    @Service.task
    async def _observe_lag(self) -> None:
        await self._every(2.0, self._lag)

    @Service.task
    async def _lift_pauses(self) -> None:
        await self._every(2.0, self._pauses)

    @Service.task
    async def _observe_ledger(self) -> None:
        await self._every(15.0, self._ledger)

    @Service.task
    async def _add_up_hours(self) -> None:
        # At most a twentieth of the time, however many assets there are.
        await self._every(2.0, self._some_hours, rest=20)

    @Service.task
    async def _add_up_minutes(self) -> None:
        # At most half of the time: what was put aside in a burst is added up in the quiet after it.
        await self._every(2.0, self._some_minutes, rest=1)

    @Service.task
    async def _judge_service_levels(self) -> None:
        for profile in load_profiles():
            self._registry.gauge(metrics.SLA_BUDGET, profile.profile_id).set(profile.budget_share)
        await self._every(2.0, self._service_levels, rest=10)

    @Service.task
    async def _learn_sites(self) -> None:
        # A site that is onboarded is known within half a minute, without a release or a restart.
        await self._every(30.0, self._directory, rest=20)

    @Service.task
    async def _attribute_to_radio(self) -> None:
        # At most a twentieth of the time: folds and lanes come first.
        await self._every(300.0, self._attribution, rest=20)

    @Service.task
    async def _count_numbers(self) -> None:
        # At most a twentieth of the time.
        await self._every(5.0, self._streams, rest=20)

    @Service.task
    async def _keep_effects(self) -> None:
        # At most a twentieth of the time; a site is due once an hour.
        await self._every(60.0, self._effects, rest=20)

    @Service.task
    async def _retire(self) -> None:
        await self._every(3_600.0, self._retention)

    @Service.task
    async def _verify(self) -> None:
        # Not while a worker starts. At most a twentieth of the time: what is verified was stored first.
        await self.sleep(_VERIFY_S)
        await self._every(_VERIFY_S, self._verifying.turn, rest=20)

    @Service.task
    async def _relay_dead_letters(self) -> None:
        await self._every(1.0, self._relay)

    async def _every(self, seconds: float, chore: Callable[[], Awaitable[None]], rest: float = 0.0) -> None:
        """Do `chore` every `seconds`, or after `rest` times as long as it took."""
        while not self.should_stop:
            pause = seconds
            started = time.monotonic()
            try:
                await chore()
                pause = max(seconds, rest * (time.monotonic() - started))
            except PASSING as error:
                pause = max(seconds, _AFTER_FAILURE_S)
                log.warning("chore failed, trying again later", chore=chore.__name__, error=repr(error))
            await self.sleep(pause)

    async def _lag(self) -> None:
        if self.consumer is None or self.ownership is None or not self.ownership.is_assigned:
            return
        consumer = self.consumer()
        partitions = [TP(*tp) for tp in sorted(consumer.assignment())]
        try:
            async with asyncio.timeout(_ANSWER_S):
                found = await consumer.highwaters(*partitions) if partitions else {}
        except PASSING:
            self._watchdog.observe({})  # unknown is not 0
            raise
        self._watchdog.observe({TopicPartition(*tp): end for tp, end in found.items()})
        for tp in self._watchdog.standing(_NOTHING_FOR_S):
            consumer.asked.add(TP(*tp))
        settle()
        if self.on_caught_up is not None and partitions and not self._is_waited_for():
            await self._hours()
            await self._every_service_level()
            if self.is_settled is None or await self.is_settled():
                self.on_caught_up()

    def _is_waited_for(self) -> bool:
        """Whether records wait; history that is paused does not count."""
        return any(self._watchdog.lag().values()) if self._settings.backfill_rate else self._watchdog.live_lag() > 0

    async def _some_minutes(self) -> None:
        """Those put aside by now, a portion of them."""
        await self._store.add_minutes()

    async def _some_hours(self) -> None:
        """Those marked by now."""
        await self._store.roll_hours()

    async def _hours(self) -> None:
        """Until nothing is left to add up, minutes first, whoever does it."""
        for add_up in (self._store.add_minutes, self._store.roll_hours):
            while not self.should_stop and (added := await add_up()) != 0:
                if added is None:
                    await self.sleep(_BUSY_S)

    async def _service_levels(self) -> None:
        """Some of the minutes that have rested, and all of them while no records wait."""
        while (judgement := await self._judge(RESTS)) is not None and not judgement.is_all:
            if self.should_stop or self._is_waited_for():
                return

    async def _judge(self, rests: timedelta) -> Judgement | None:
        judgement = await judge_minutes(self._pool, rests)
        states = judgement.states if judgement else {}
        for site, name in {labels[:2] for labels in states}:
            self._count_minutes(site, name, states)
        return judgement

    def _count_minutes(self, site: str, profile: str, states: Mapping[tuple[str, str, str], int]) -> None:
        # Every state has a series from the first on: a rate sees no counter that begins with its first increase.
        for state in STATES:
            self._registry.counter(metrics.SLA_MINUTES, site, profile, state).inc(states.get((site, profile, state), 0))

    async def _every_service_level(self) -> None:
        """Until no minute is left to judge, whoever does it."""
        while not self.should_stop:
            judgement = await self._judge(timedelta(0))
            if judgement is not None and judgement.is_all:
                return
            if judgement is None:
                await self.sleep(_BUSY_S)

    async def _pauses(self) -> None:
        if self.ownership is not None:
            await self.ownership.resume_lifted()

    async def _ledger(self) -> None:
        async with self._pool.acquire() as connection:
            missing = await connection.fetch(_MISSING)
            complete = await connection.fetch(_COMPLETENESS)
            ledger = await connection.fetch(_LEDGER)
            unrelayed = await connection.fetch(_UNRELAYED)
            await self._verifying.observe(connection)
        counts: Counter[tuple[str, str]] = Counter()
        for row in missing:
            domain = row["type"].removeprefix(TYPE_PREFIX).partition(".")[0]
            counts[domain, site_of(row["subject"])] += row["missing"]
        self._registry.gauge(metrics.TASKS).set(len(asyncio.all_tasks()))
        self._replace(metrics.SEQUENCE_MISSING, dict(counts))
        self._replace(metrics.COMPLETENESS, {(row["domain"], row["site"]): row["ratio"] for row in complete})
        self._replace(metrics.LEDGER_DIFFERENCE, {(row["topic"],): row["difference"] for row in ledger})
        self._replace(metrics.DEAD_LETTERS_UNRELAYED, {(row["topic"],): row["waiting"] for row in unrelayed})

    def _replace(self, metric: metrics.Metric, values: Mapping[Any, float]) -> None:
        self._registry.clear(metric)
        for labels, value in values.items():
            self._registry.gauge(metric, *labels).set(value)

    async def _retention(self) -> None:
        async with self._pool.acquire() as connection:
            await remember_retention(connection, self._settings)
            kept = await effective_kept(connection, self._settings.raw_retention, self._settings.max_age)
            for removal in await retire_expired(connection, kept, datetime.now(UTC)):
                if removal.rows:
                    log.info("retired", table=removal.table, rows=removal.rows)

    async def _attribution(self) -> None:
        """Of the days in which anything may still change by itself; late data of older ones: `kpi attribution`."""
        async with self._pool.acquire() as connection:
            newest = await newest_work(connection)
        if newest is not None:
            made = await attribute(self._pool, newest - _ATTRIBUTED, newest + timedelta(seconds=1))
            self._registry.counter(metrics.ATTRIBUTED_DAYS).inc(made.changed)

    async def _streams(self) -> None:
        """Some of the hours of numbered events that are over."""
        async with self._pool.acquire() as connection:
            await roll_streams(connection)

    async def _effects(self) -> None:
        """Before and after of the sites that are due."""
        await store_effects(self._pool)

    async def _directory(self) -> None:
        """What is declared by now; a series of SLA minutes from the first on, as of those of the code."""
        async with self._pool.acquire() as connection:
            directory = await read_directory(connection)
        self.on_directory(directory)
        keys = _content(self._settings.gateway_keys_file)
        if keys and keys != self._keys:
            log.info("the gateways' keys have changed, starting over with them")
            self._keys = keys
            self.on_keys_changed()
        for site, name in declared_profiles(directory.devices) - self._counted:
            self._count_minutes(site, name, {})
            self._counted.add((site, name))

    async def _relay(self) -> None:
        async with Publisher(access_from(self._settings), "zstd") as publisher:
            relay = DeadLetterRelay(self._pool, publisher)
            while not self.should_stop:
                if not await relay.run_once():
                    await self.sleep(1.0)


def _content(file: Path | None) -> bytes:
    """A digest of it; of a file that is away for a moment, nothing."""
    return hashlib.sha256(file.read_bytes()).digest() if file is not None and file.exists() else b""


def declared_profiles(devices: Iterable[Device]) -> set[tuple[str, str]]:
    """(site, profile) of every profile that is asked of a declared device by what it is."""
    return {
        (device.site, profile.profile_id)
        for device in devices
        for profile in profiles_of(device)
        if not (profile.applies_to.five_qi or profile.applies_to.slices)
    }


async def remember_retention(connection: Connection, settings: Settings) -> None:
    """Keep the longest retention and age that ever were in force, so that loaded history is not deleted."""
    for name, span in (("raw_retention_s", settings.raw_retention), ("max_age_s", settings.max_age)):
        await connection.execute(
            "INSERT INTO ingest.setting AS s (name, value) VALUES ($1, $2::jsonb) ON CONFLICT (name) DO UPDATE "
            "SET value = EXCLUDED.value, updated_at = now() WHERE (s.value)::float8 < (EXCLUDED.value)::float8",
            name,
            json.dumps(span.total_seconds()),
        )
