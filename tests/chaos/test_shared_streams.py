"""Two workers on the same numbered streams and the same assets, their sessions ended at random: exact all the same."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from deploy.local.stack import Stack
from tests.support.events import Message, event, numbered, structured
from tests.support.system import System

SEED = 20_261
NUMBERED, UNNUMBERED, POISON = 6_000, 1_500, 150
WINDOW = 60
STEP = 500
SETTINGS = {"session_timeout": "3s", "batch_rows": 100}
BUSY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = %s AND usename = 'quaystream_worker' AND state <> 'idle' ORDER BY random() LIMIT 1
"""


def test_streams_shared_by_two_workers_are_counted_exactly_while_sessions_end(system: System, stack: Stack) -> None:
    messages = both_partitions(random.Random(SEED))
    workers = [system.workers.ready(**SETTINGS) for _ in range(2)]
    with ending_sessions(system, stack):
        for start in range(0, len(messages), STEP):
            system.send(*messages[start : start + STEP])
            # Neither partition may run far ahead: beyond 1,000 gaps at once the oldest are no longer followed.
            system.await_outcomes(min(start, len(messages) - STEP), 90)
        system.await_outcomes(len(messages), 90)
    # Verified is also that every dead letter was relayed: that chore met the same ends of sessions.
    ledger = system.verified()
    assert ledger.total("accepted") == NUMBERED + UNNUMBERED
    assert ledger.total("rejected") == POISON
    assert ledger.total("duplicate") == len(messages) - NUMBERED - UNNUMBERED - POISON
    for worker in workers:
        worker.await_no_lag()
    assert system.database.total("ingest.sequence_gap", "filled_at IS NULL") == 0
    assert all(worker.is_running() for worker in workers)
    # Otherwise they did not meet, and this shows nothing.
    assert sum(worker.metric("quaystream_commit_retries_total", cause="stale_stream") for worker in workers) > 0


def both_partitions(dice: random.Random) -> list[Message]:
    """One numbered stream over both partitions, a third of it twice; every un-numbered event in both; out of order."""
    messages = []
    for number in range(1, NUMBERED + 1):
        message = structured(numbered(number))
        messages.append(message.to(number % 2))
        if number % 3 == 0:
            messages.append(message.to((number + 1) % 2))
        if number % 4 == 0:
            plain = structured(event())
            messages += [plain.to(0), plain.to(1)]
        if number % 40 == 0:
            messages.append(Message("crane-events", None, b"not json", (), number // 40 % 2))
    windows = [messages[start : start + WINDOW] for start in range(0, len(messages), WINDOW)]
    return [message for window in windows for message in dice.sample(window, len(window))]


@contextmanager
def ending_sessions(system: System, stack: Stack) -> Iterator[None]:
    """Every few moments one of the workers' sessions is ended in the middle of its work."""
    dice, over = random.Random(SEED), threading.Event()

    def end_some() -> None:
        with psycopg.connect(stack.superuser_url(), autocommit=True) as superuser:
            while not over.wait(dice.uniform(0.05, 0.4)):
                superuser.execute(BUSY, (system.database.name,))

    thread = threading.Thread(target=end_some)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
