"""The worker: composition root. Everything is built here from settings and handed what it needs.

`faust -A streams.app worker` finds `app`; `quaystream worker` builds the same one.
"""

import asyncio
import contextlib
import gc
import os
import sys
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NoReturn

import faust
import structlog
from faust.types import TP
from mode import Service

from connectors.kafka.options import access_from, faust_credentials
from connectors.prometheus import Registry
from connectors.timescale.fact_store import open_fact_store
from connectors.timescale.pool import open_pool
from connectors.timescale.reference import Directory
from connectors.timescale.store import TimescaleStore
from schemas import metrics
from schemas.backfill import SUFFIX
from schemas.reference import declared_sources
from schemas.signing import read_gateways
from schemas.topics import INGEST_TOPICS
from streams.chores import PASSING, Chores
from streams.core.clear_names import Sites
from streams.core.domain import Limits
from streams.core.record import TopicPartition
from streams.domains import DOMAINS
from streams.doorkeeper import Doorkeeper
from streams.history import Allowance, History
from streams.lane import Lane, Pace
from streams.ownership import Ownership, RecreatedTopicError
from streams.pipeline import Pipeline
from streams.recorder import WorkerRecorder
from streams.refolding import Refolding
from streams.restart import start_over
from streams.settings import Settings, load_settings
from streams.tracing import Spans, TracingRecorder
from streams.transport import UNADMITTED, BatchApp
from streams.watchdog import Watchdog
from streams.web import Pages, Web

if TYPE_CHECKING:
    import asyncpg

log = structlog.get_logger()
CRASH_EXIT = 70
CLAIM_DEADLINE_S = 20.0
HEARTBEAT_S = 1.0
# Sessions of the database that one worker uses at most: a lane's own and one beside it, and two for the chores.
POOL_CONNECTIONS = 2 * len(DOMAINS) + 2
"""Only the answer to a heartbeat tells a worker that another has left: until then nobody reads what that one had."""
_LAST_HOURS_S = 5.0
VERSION = version("quaystream")
INGESTED = tuple(topic.name for topic in INGEST_TOPICS)


class Schema(faust.Schema):
    """Keys are not used and values are stretches already: nothing is decoded, so nothing can raise."""

    def loads_key(self, *_: Any, **__: Any) -> Any:
        return None

    def loads_value(self, _: Any, message: Any, **__: Any) -> Any:
        return message.value


class ConsumerFlow:
    """The lanes' view of the consumer."""

    def __init__(self, app: BatchApp) -> None:
        self._app = app

    async def reseek(self, tp: TopicPartition, offset: int) -> int:
        """Continue from `offset`; what is fetched later carries at least the returned serial."""
        serial: int = await self._app.consumer.reseek(TP(*tp), offset)
        return serial

    async def log_start(self, tp: TopicPartition) -> int:
        """The earliest offset the broker still has."""
        starts = await self._app.consumer.earliest_offsets(TP(*tp))
        start: int = next(iter(starts.values()))
        return start

    def hold(self, tp: TopicPartition) -> None:
        """Fetch nothing of it until `release`."""
        self._app.consumer.hold(TP(*tp))

    def used_up(self, tp: TopicPartition) -> None:
        """What was delivered of a back-fill partition has gone into its lane."""
        self._app.consumer.used_up(TP(*tp))

    def release(self, tp: TopicPartition) -> None:
        """Fetch it again."""
        self._app.consumer.release(TP(*tp))


def spans_of(settings: Settings) -> Spans | None:
    """Where spans go; None by default. Raises ConfigurationError where the extra is missing."""
    if settings.trace_export == "off":
        return None
    from connectors.otlp.spans import OtlpSpans

    return OtlpSpans("quaystream-worker", VERSION)


def recorder_of(registry: Registry, spans: Spans | None) -> WorkerRecorder:
    """Who counts what the lanes do."""
    gateways = declared_sources()
    return WorkerRecorder(registry, gateways) if spans is None else TracingRecorder(registry, gateways, spans)


class Worker(Service):
    """Pool, lanes, web pages and chores, started before the agents and stopped after the consumer."""

    def __init__(self, settings: Settings, app: BatchApp, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = settings
        self.registry = Registry(metrics.WORKER)
        self.spans = spans_of(settings)
        self.recorder = recorder_of(self.registry, self.spans)
        self._app = app
        self._runs: list[asyncio.Task[None]] = []
        self._pool: asyncpg.Pool | None = None
        self._store: TimescaleStore | None = None
        self._chores: Chores | None = None
        self._refolding: Refolding | None = None
        self.lanes: dict[str, Lane] = {}
        self.histories: dict[str, History] = {}
        self.watchdog = Watchdog((), self.registry)
        self.doorkeeper = Doorkeeper(access_from(settings), self.registry, self._unadmitted)
        self.on_listening: Callable[[str], None] = lambda _: None
        self.on_caught_up: Callable[[], None] | None = None

    async def on_first_start(self) -> None:
        """Build what needs a loop."""
        settings = self.settings
        self._pool = await open_pool(settings.worker_dsn(), POOL_CONNECTIONS, settings.worker_password())
        self._store = store = TimescaleStore(self._pool, settings.group, f"{os.uname().nodename}/{os.getpid()}")
        flow = ConsumerFlow(self._app)
        pace = Pace(settings.batch_rows, timedelta(milliseconds=settings.linger_ms))
        allowance = Allowance(settings.backfill_rate)
        self.registry.gauge(metrics.BACKFILL_RATE).set(settings.backfill_rate)
        for domain in DOMAINS:
            pipeline = Pipeline(domain, limits_of(settings))
            lane = self.lanes[domain.name] = Lane(pipeline, store, flow, self.recorder, pace, crash)
            self.histories[domain.name] = History(domain.name, lane, allowance, self.recorder, flow.used_up, crash)
        self._ownership = Ownership(store, self.lanes.values(), CLAIM_DEADLINE_S, self._cannot_claim)
        self._app.assignments = self._ownership
        self.watchdog = Watchdog(self.lanes.values(), self.registry)
        self.registry.gauge(metrics.BUILD_INFO, VERSION).set(1)
        self.registry.gauge(metrics.START_TIMESTAMP).set_to_current_time()
        pages = Pages(self.registry.text, self.watchdog.stalled, self._unready)
        web = await self.add_runtime_dependency(Web(settings.web_bind, settings.web_port, pages))
        self.on_listening(f"{settings.web_bind}:{web.port}")
        chores = Chores(settings, self._pool, store, self.registry, self.watchdog)
        chores.consumer, chores.ownership = (lambda: self._app.consumer), self._ownership
        chores.on_caught_up = self.on_caught_up
        chores.on_directory, chores.on_keys_changed = self._learn, self._start_anew
        self._refolding = Refolding(open_fact_store(self._pool), self.registry, self._is_behind)
        chores.is_settled = self._refolding.is_settled
        self._chores = await self.add_runtime_dependency(chores)
        await self.add_runtime_dependency(self.doorkeeper)

    async def on_started(self) -> None:
        """Let the lanes run."""
        _tune_interpreter()
        self._runs = [asyncio.create_task(lane.run(), name=f"lane-{lane.name}") for lane in self.lanes.values()]
        self._runs += [asyncio.create_task(h.run(), name=f"history-{name}") for name, h in self.histories.items()]
        if self._refolding is not None:
            self._runs.append(asyncio.create_task(self._refolding.run(), name="refolding"))

    async def on_stop(self) -> None:
        """Let transactions in flight end, then close."""
        if self._chores is not None:
            await self._chores.stop()
        if self._refolding is not None:
            await self._refolding.stop()
        await asyncio.gather(*(lane.stop() for lane in self.lanes.values()))
        for run in self._runs:
            run.cancel()
        await self._leave_hours_added_up()
        if self.spans is not None:
            await asyncio.to_thread(self.spans.close)
        if self._pool is not None:
            await self._pool.close()

    async def _leave_hours_added_up(self) -> None:
        """A worker that is stopped leaves whole hours; where it cannot, the next one adds them up."""
        with contextlib.suppress(*PASSING):
            async with asyncio.timeout(_LAST_HOURS_S):
                if self._store is not None:
                    while await self._store.add_minutes():
                        pass
                    await self._store.roll_hours()

    def _learn(self, directory: Directory) -> None:
        """Sites that were onboarded since: their sources have names of their own in metrics."""
        self.recorder.gateways = directory.sources

    def _start_anew(self) -> None:
        self.doorkeeper.on_changed()

    def _is_behind(self) -> bool:
        """Whether more live records wait than one batch has."""
        return self.watchdog.live_lag() > self.settings.batch_rows

    def _crash(self, reason: BaseException) -> NoReturn:
        """Called when a child fails for a reason nobody foresaw: mode would leave a worker that only looks alive."""
        crash(reason)

    def _cannot_claim(self, error: BaseException) -> NoReturn:
        if isinstance(error, TimeoutError):
            start_over("the database did not answer while partitions were assigned")
        crash(error)

    async def _unadmitted(self) -> str | None:
        said: str | None = await self._app.consumer.unadmitted()
        return said

    def _unready(self) -> str | None:
        if self.doorkeeper.trouble is not None:
            return self.doorkeeper.trouble
        if self._app.rebalancing or not self._ownership.is_assigned:
            return "no partitions assigned yet"
        return self.watchdog.waiting() or self.watchdog.stalled()


def _tune_interpreter() -> None:
    """A batch allocates tens of thousands of records that reference counts free: the default cost 30 % of the time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    # While a batch is prepared in its thread, the loop feeds the transaction in flight: with the default 5 ms it waited
    # for its turn at every piece, and a worker that is behind stored an eighth less.
    sys.setswitchinterval(0.001)


def crash(error: BaseException) -> NoReturn:
    """End the process for an error nobody foresaw: alive but idle would be worse. A supervisor starts a new one."""
    if isinstance(error, UNADMITTED):
        start_over(f"Kafka does not let us read ({type(error).__name__})")
    if isinstance(error, RecreatedTopicError):
        print(f"quaystream: {error}", file=sys.stderr, flush=True)
        os._exit(2)
    log.critical("stopping for an unforeseen error", error=repr(error), exc_info=error)
    sys.stderr.flush()
    os._exit(CRASH_EXIT)


def limits_of(settings: Settings) -> Limits:
    """What the pipeline refuses or stops."""
    return Limits(
        settings.max_record_bytes,
        settings.max_future,
        settings.max_age,
        settings.dead_letter_run,
        settings.dead_letter_share,
        settings.dead_letter_window,
        read_gateways(settings.gateway_keys_file) if settings.gateway_keys_file else None,
        Sites(settings.sites_of_pseudonyms()),
    )


def build_app(settings: Settings, topics: Collection[str] = INGESTED) -> BatchApp:
    """The Faust app: one agent per topic, everything that is not needed off. `topics` are those the brokers have."""
    app = BatchApp(
        settings.group,
        broker=[f"kafka://{broker}" for broker in settings.brokers.split(",")],
        broker_credentials=faust_credentials(access_from(settings)),
        **_engine_options(settings.session_timeout.total_seconds()),
    )
    worker = Worker(settings, app)
    app.shell = worker
    for domain in DOMAINS:
        _add_agent(app, domain.topic, domain.name, worker.lanes)
        if (backfill := domain.topic + SUFFIX) in topics:
            _add_agent(app, backfill, domain.name, worker.histories)
    return app


def _engine_options(session_timeout_s: float) -> Mapping[str, Any]:
    """Engine section 9: why each differs from Faust's default."""
    return {
        "stream_buffer_maxsize": 4,
        "stream_wait_empty": False,
        "broker_max_poll_records": 10_000,
        "consumer_max_fetch_size": 1024 * 1024,  # a larger message still comes, alone (KIP-74)
        "broker_session_timeout": session_timeout_s,
        "broker_heartbeat_interval": min(session_timeout_s / 5, HEARTBEAT_S),
        "broker_rebalance_timeout": 60.0,
        "broker_request_timeout": 90.0,
        "broker_max_poll_interval": 86_400.0,
        "broker_commit_interval": 2.8,
        "consumer_auto_offset_reset": "earliest",
        "table_standby_replicas": 0,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "web_enabled": False,
        "store": "memory://",
    }


def _add_agent(app: BatchApp, topic: str, domain: str, takers: Mapping[str, Lane] | Mapping[str, History]) -> None:
    channel = app.topic(topic, schema=Schema(), allow_empty=True)

    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await takers[domain].offer(event.value)

    app.agent(channel, name=f"quaystream.{topic}")(agent)


def __getattr__(name: str) -> Any:
    """`app`, built when Faust's command line asks for it."""
    if name == "app":
        app = build_app(load_settings())
        globals()["app"] = app
        return app
    raise AttributeError(name)
