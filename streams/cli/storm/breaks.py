"""How each fault is done and undone: a context that breaks when it is entered and mends when it is left.

Mended means that the cause is gone, not that everything has recovered: how long that takes is what is measured.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import psycopg

from deploy.local.cluster.cluster import BROKERS
from deploy.local.part import Stop
from schemas.errors import CheckFailedError
from streams.cli.benchmark.outage.programs import Program
from streams.cli.storm.ground import Ground
from streams.cli.storm.weather import FAIR, Weather

Break = Callable[[Ground, str], AbstractContextManager[None]]

CLOCK_LIBRARIES: Final = "/usr/lib/*/faketime/libfaketime.so.1"
_STORM_S: Final = 2.0
_SLOW: Final = """
CREATE OR REPLACE FUNCTION ingest.chaos_slow() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$;
CREATE TRIGGER chaos_slow BEFORE UPDATE ON ingest.partition_offset
FOR EACH STATEMENT EXECUTE FUNCTION ingest.chaos_slow();
"""
_FAST: Final = "DROP FUNCTION IF EXISTS ingest.chaos_slow() CASCADE"
_LOCK: Final = "LOCK TABLE port.crane_sample IN ACCESS EXCLUSIVE MODE"
_END_SESSIONS: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'quaystream_worker'"


@contextmanager
def killed(ground: Ground, target: str) -> Iterator[None]:
    """Kill -9; another process afterwards."""
    with _in_hand(ground, target) as program:
        program.kill()
        yield
        program.start()


@contextmanager
def ended(ground: Ground, target: str) -> Iterator[None]:
    """SIGTERM, and wait until it is gone; another process afterwards."""
    with _in_hand(ground, target) as program:
        program.stop()
        yield
        program.start()


@contextmanager
def frozen(ground: Ground, target: str) -> Iterator[None]:
    """Stands still, and goes on where it was."""
    with _in_hand(ground, target) as program:
        program.tell(signal.SIGSTOP)
        try:
            yield
        finally:
            program.tell(signal.SIGCONT)


@contextmanager
def a_day_ahead(ground: Ground, target: str) -> Iterator[None]:
    """A process whose clock is wrong; monotonic time stays what it is."""
    with _in_hand(ground, target) as program:
        program.kill()
        program.start(LD_PRELOAD=str(clock_library()), FAKETIME="+1d", FAKETIME_DONT_FAKE_MONOTONIC="1")
        yield
        program.kill()
        program.start()


@contextmanager
def rebalance_storm(ground: Ground, _: str) -> Iterator[None]:
    """One more worker comes and goes, so that the group never comes to rest."""
    over = threading.Event()
    storm = threading.Thread(target=_come_and_go, args=(ground.extra_worker(), over), daemon=True)
    storm.start()
    try:
        yield
    finally:
        over.set()
        storm.join(60)


def _come_and_go(program: Program, over: threading.Event) -> None:
    while not over.is_set():
        program.start()
        with suppress(CheckFailedError):
            program.await_ready(_STORM_S * 4)
        over.wait(_STORM_S)
        program.kill()
        over.wait(_STORM_S)


@contextmanager
def link(weather: Weather, ground: Ground, prefix: str) -> Iterator[None]:
    """The links whose names begin so have this weather."""
    ground.proxies.change(prefix, weather)
    try:
        yield
    finally:
        ground.proxies.change(prefix, FAIR)


@contextmanager
def refused(ground: Ground, prefix: str) -> Iterator[None]:
    """What is open is reset, and so is what comes."""
    with link(Weather(refuses=True), ground, prefix):
        ground.proxies.reset(prefix)
        yield


@contextmanager
def reset(ground: Ground, prefix: str) -> Iterator[None]:
    """What is open is reset, once."""
    ground.proxies.reset(prefix)
    yield


@contextmanager
def broker_gone(how: Stop, ground: Ground, target: str) -> Iterator[None]:
    """Stopped, and started again."""
    node = int(target.rpartition("-")[2])
    ground.cluster.stop_broker(node, how)
    yield
    ground.cluster.start_broker(node)


@contextmanager
def brokers_gone(ground: Ground, _: str) -> Iterator[None]:
    """All of them at once; they come back together, as one alone is no quorum."""
    for node in BROKERS:
        ground.cluster.stop_broker(node, Stop.KILL)
    yield
    ground.cluster.start_brokers()


@contextmanager
def server_frozen(ground: Ground, target: str) -> Iterator[None]:
    """Every process of a broker, or of the primary, stands still."""
    name = ground.cluster.primary if target == "database" else target
    ground.cluster.freeze(name)
    try:
        yield
    finally:
        ground.cluster.thaw(name)


@contextmanager
def fail_over(ground: Ground, _: str) -> Iterator[None]:
    """The machine of the primary is gone; the standby takes over. `Ground.mend` gives it a standby again."""
    ground.cluster.kill_server(ground.cluster.primary)
    yield
    ground.cluster.fail_over()


@contextmanager
def server_gone(whose: str, ground: Ground, _: str) -> Iterator[None]:
    """The primary (or the standby: `other`) is killed and started again as what it was."""
    name = ground.cluster.primary if whose == "primary" else ground.cluster.other
    ground.cluster.kill_server(name)
    yield
    ground.cluster.start_server(name)


@contextmanager
def database_slow(ground: Ground, _: str) -> Iterator[None]:
    """Each transaction of a worker takes a second longer."""
    with ground.owner() as connection:
        connection.execute(_SLOW)
    yield
    with ground.owner(30) as connection:
        connection.execute(_FAST)


@contextmanager
def table_locked(ground: Ground, _: str) -> Iterator[None]:
    """Nobody writes crane samples."""
    with ground.owner(30) as connection, connection.transaction():
        connection.execute(_LOCK)
        yield


@contextmanager
def sessions_ended(ground: Ground, _: str) -> Iterator[None]:
    """As an administrator would."""
    with suppress(psycopg.Error):
        ground.cluster.server(ground.cluster.primary).execute(_END_SESSIONS)
    yield


BREAKS: Final[Mapping[str, Break]] = {
    "worker-kill": killed,
    "worker-term": ended,
    "worker-freeze": frozen,
    "worker-clock": a_day_ahead,
    "rebalance-storm": rebalance_storm,
    "gateway-kill": killed,
    "gateway-term": ended,
    "gateway-freeze": frozen,
    "link-slow": partial(link, Weather(delay_s=0.08, jitter_s=0.32, bytes_per_s=256 * 1024)),
    "link-silent": partial(link, Weather(is_silent=True)),
    "link-reset": reset,
    "link-cut": partial(link, Weather(cut_after=64 * 1024)),
    "link-refused": refused,
    "commit-cut": partial(link, Weather(cut_on=b"COMMIT", cuts=5)),
    "broker-kill": partial(broker_gone, Stop.KILL),
    "broker-term": partial(broker_gone, Stop.FAST),
    "broker-freeze": server_frozen,
    "brokers-gone": brokers_gone,
    "brokers-apart": partial(link, Weather(is_silent=True)),
    "fail-over": fail_over,
    "primary-crash": partial(server_gone, "primary"),
    "primary-freeze": server_frozen,
    "standby-kill": partial(server_gone, "other"),
    "database-slow": database_slow,
    "table-locked": table_locked,
    "sessions-ended": sessions_ended,
}


def clock_library() -> Path | None:
    """libfaketime, where it is installed (Debian package faketime)."""
    return next(Path("/").glob(CLOCK_LIBRARIES.removeprefix("/")), None)


@contextmanager
def _in_hand(ground: Ground, target: str) -> Iterator[Program]:
    try:
        yield ground.hold(target)
    finally:
        ground.release(target)
