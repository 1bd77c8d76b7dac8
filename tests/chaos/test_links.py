"""The link to the database breaks at the worst moments: after COMMIT was sent, without a word, in a deadlock, by a password."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg
import pytest

from deploy.local.stack import Stack
from streams.cli.storm.proxy import Proxies
from streams.cli.storm.weather import FAIR, Weather
from tests.support.events import numbered, structured
from tests.support.system import System
from tests.support.waiting import wait_until
from tests.support.worker import Worker

# No matter how slow the machine is.
PATIENCE_S = 120
RETRIES = "quaystream_commit_retries_total"
MINUTE = "port.crane_minute"
BLOCKED = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

pytestmark = pytest.mark.timeout(500)


@pytest.fixture
def proxies() -> Iterator[Proxies]:
    with Proxies() as proxies:
        yield proxies


def through(proxies: Proxies, system: System, *others: str) -> str:
    """The worker's URL by way of the link `db`, after `others` (`host:port`)."""
    url = urlsplit(system.database.worker_dsn)
    login, _, _ = url.netloc.rpartition("@")
    port = proxies.port_of("db", url.port or 5432)
    return url._replace(netloc=f"{login}@{','.join([*others, f'127.0.0.1:{port}'])}").geturl()


def ready(system: System, **settings: object) -> Worker:
    return system.workers.start(**settings).await_ready(PATIENCE_S)


def send(system: System, first: int, last: int) -> None:
    system.send(*(structured(numbered(number)) for number in range(first, last + 1)))


def test_a_commit_whose_answer_never_comes_is_asked_about_and_not_repeated(system: System, proxies: Proxies) -> None:
    worker = ready(system, database_url=through(proxies, system), batch_rows=100)
    send(system, 1, 10)
    system.await_outcomes(10, PATIENCE_S)
    # Whoever commits next, a lane or a chore, is cut off: often enough that a lane is among them.
    proxies.change("db", Weather(cut_on=b"COMMIT", cuts=1_000))
    send(system, 11, 400)
    wait_until(
        lambda: worker.metric(RETRIES, cause="commit_unknown") >= 1, PATIENCE_S, "a lane does not know of its COMMIT"
    )
    proxies.change("db", FAIR)
    system.await_outcomes(400, PATIENCE_S)
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("duplicate"), ledger.total("rejected")) == (400, 0, 0)
    assert worker.is_running()


@pytest.mark.chaos
def test_a_silent_link_ends_by_deadline_and_a_silent_server_does_not_hide_the_other(
    system: System, proxies: Proxies
) -> None:
    dead = proxies.port_of("dead", urlsplit(system.database.worker_dsn).port or 5432)
    proxies.change("dead", Weather(is_silent=True))
    url = through(proxies, system, f"127.0.0.1:{dead}")
    worker = ready(system, database_url=url)
    send(system, 1, 100)
    system.await_outcomes(100, PATIENCE_S)
    # A machine that goes without a word: what is open is lost, what is new is not answered.
    proxies.change("db", Weather(refuses=True))
    proxies.reset("db")
    send(system, 101, 200)
    wait_until(lambda: worker.metric(RETRIES) >= 1, PATIENCE_S, "a transaction has failed")
    proxies.change("db", Weather(is_silent=True))
    proxies.change("dead", FAIR)
    system.await_outcomes(200, PATIENCE_S)
    assert system.verified().total("accepted") == 200
    assert worker.is_running()


def test_the_victim_of_a_deadlock_is_tried_again_and_the_other_keeps_its_work(system: System, stack: Stack) -> None:
    worker = ready(system)
    send(system, 1, 1)
    system.await_outcomes(1, PATIENCE_S)
    with psycopg.connect(stack.superuser_url(system.database.name)) as other:
        # The worker moves its fence first and rows of minutes last; this one comes the other way round, and is patient.
        other.execute("SET deadlock_timeout = '1h'")
        other.execute(f"LOCK TABLE {MINUTE} IN SHARE MODE")
        send(system, 2, 50)
        wait_until(lambda: system.database.rows(BLOCKED), PATIENCE_S, "the worker waits for the minutes")
        other.execute("UPDATE ingest.partition_offset SET updated_at = updated_at WHERE topic = 'crane-events'")
    wait_until(lambda: worker.metric(RETRIES, cause="sqlstate_40") >= 1, PATIENCE_S, "the worker was the victim")
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("duplicate"), ledger.total("rejected")) == (50, 0, 0)
    assert worker.is_running()


def test_a_password_changed_under_a_worker_is_waited_for_until_it_is_let_in_again(system: System, stack: Stack) -> None:
    worker = ready(system)
    send(system, 1, 10)
    system.await_outcomes(10, PATIENCE_S)
    password = urlsplit(system.database.worker_dsn).password
    with psycopg.connect(stack.superuser_url(), autocommit=True) as superuser:
        set_password(superuser, "changed-under-it")
        try:
            superuser.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND usename = %s",
                (system.database.name, "quaystream_worker"),
            )
            send(system, 11, 20)
            wait_until(lambda: worker.metric(RETRIES, cause="credentials") >= 1, PATIENCE_S, "it is not let in")
            assert worker.page("/livez")[0] == 200
        finally:
            set_password(superuser, str(password))
    system.await_outcomes(20, PATIENCE_S)
    assert system.verified().total("accepted") == 20
    assert worker.is_running()


def set_password(superuser: "psycopg.Connection[tuple[object, ...]]", password: str) -> None:
    verifier = superuser.pgconn.encrypt_password(password.encode(), b"quaystream_worker", b"scram-sha-256").decode()
    superuser.execute(f"ALTER ROLE quaystream_worker PASSWORD '{verifier}'".encode())


def test_a_thousand_scrapes_hold_up_nothing(system: System) -> None:
    worker = ready(system)
    with ThreadPoolExecutor(8) as scrapers:
        scrapes = scrapers.map(lambda _: scrape(worker), range(1_000))
        send(system, 1, 300)
        answers = list(scrapes)
    assert answers == [200] * 1_000
    assert system.verified().total("accepted") == 300


def scrape(worker: Worker) -> int:
    return worker.page("/metrics")[0]
