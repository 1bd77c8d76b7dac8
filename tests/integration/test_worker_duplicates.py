"""Each event counts once, however often it is sent; numbers prove what is missing."""

from datetime import UTC, datetime, timedelta

from tests.support.events import CRANE, SOURCE, Message, event, moment, numbered, structured
from tests.support.system import System
from tests.support.waiting import wait_until

GAPS = "SELECT from_sequence, to_sequence, filled_at IS NOT NULL FROM ingest.sequence_gap ORDER BY noticed_at, 1"


def test_a_number_sent_again_is_a_duplicate_also_after_a_restart(system: System) -> None:
    messages = [structured(numbered(n)) for n in range(1, 101)]
    worker = system.workers.ready()
    system.send(*messages, *messages)
    system.await_outcomes(200)
    system.send(*messages[::-1])
    system.await_outcomes(300)
    assert worker.stop() == 0
    system.workers.ready()
    system.send(*messages)
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("duplicate")) == (100, 300)
    assert system.database.total("port.crane_sample") == 100
    assert system.database.value("SELECT sum(samples) FROM port.crane_hour") == 100


def test_an_event_without_number_sent_again_is_a_duplicate_also_after_a_restart(system: System) -> None:
    messages = [structured(event()) for _ in range(100)]
    worker = system.workers.ready()
    system.send(*messages, *messages)
    system.await_outcomes(200)
    assert worker.stop() == 0
    system.workers.ready()
    system.send(*messages)
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("duplicate")) == (100, 200)


def test_a_duplicate_in_another_partition_is_a_duplicate(system: System) -> None:
    both = [structured(event()) for _ in range(50)] + [structured(numbered(n)) for n in range(1, 51)]
    system.workers.ready()
    system.send(*(message.to(partition) for message in both for partition in (0, 1)))
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("duplicate")) == (100, 100)


def test_a_number_of_another_event_is_a_conflict(system: System) -> None:
    system.workers.ready()
    system.send(structured(numbered(1)))
    system.await_outcomes(1)
    (place,) = system.send(structured(numbered(1, id="another")))
    ledger = system.verified()
    assert system.reasons() == {place: ["sequence_conflict"]}
    assert (ledger.total("accepted"), ledger.total("rejected")) == (1, 1)


def test_a_gap_is_noticed_and_filled_by_what_comes_late(system: System) -> None:
    worker = system.workers.ready()
    system.send(*(structured(numbered(n)) for n in (1, 2, 6)))
    system.await_outcomes(3)
    assert system.database.rows(GAPS) == [(3, 5, False)]
    missing = lambda: worker.metric("quaystream_sequence_missing", domain="crane") == 3  # noqa: E731
    wait_until(missing, 40, "the missing numbers are exported")
    system.send(structured(numbered(4)))
    system.await_outcomes(4)
    assert [row for row in system.database.rows(GAPS) if not row[2]] == [(3, 3, False), (5, 5, False)]
    system.send(structured(numbered(3)), structured(numbered(5)))
    system.await_outcomes(6)
    assert [row for row in system.database.rows(GAPS) if not row[2]] == []
    assert system.verified().total("accepted") == 6


def test_a_refused_number_stays_a_gap_that_its_replay_fills(system: System) -> None:
    ahead = moment(timedelta(seconds=-120))
    messages = [structured(numbered(1)), structured(numbered(2, time=ahead)), structured(numbered(3))]
    worker = system.workers.ready(max_future="10s")
    places = system.send(*messages)
    system.await_outcomes(3)
    assert system.reasons() == {places[1]: ["clock_skew"]}
    assert system.database.rows(GAPS) == [(2, 2, False)]
    assert worker.stop() == 0
    system.workers.ready()
    replay = system.command("dead-letters", "replay", "--yes")
    assert replay.returncode == 0, replay.stderr
    ledger = system.verified()
    # The first outcome stays; the replay is a new record with its own.
    assert (ledger.total("accepted"), ledger.total("rejected")) == (3, 1)
    assert [filled for *_, filled in system.database.rows(GAPS)] == [True]
    assert system.database.total("ingest.dead_letter", "replayed_at IS NOT NULL") == 1


def test_a_replay_that_is_refused_again_is_a_second_dead_letter(system: System) -> None:
    system.workers.ready()
    bad = structured(event(data={"load_t": "heavy"}))
    (first,) = system.send(bad)
    system.await_outcomes(1)
    assert system.command("dead-letters", "replay", "--yes").returncode == 0
    ledger = system.verified()
    reasons = system.reasons()
    assert ledger.total("rejected") == 2
    assert len(reasons) == 2
    assert reasons[first] == ["invalid_data"]
    replayed = [record for record in system.broker.records("crane-events") if record.offset() != first.offset]
    assert [(record.key(), record.value()) for record in replayed] == [(bad.key, bad.value)]


def test_a_late_event_lands_in_its_own_minute_and_hour(system: System) -> None:
    happened = datetime.now(UTC) - timedelta(hours=30, minutes=7)
    system.workers.ready()
    system.send(*(structured(numbered(n)) for n in range(1, 11)))
    system.await_outcomes(10)
    late = numbered(11, time=happened.isoformat(), data={"load_t": 41.0})
    system.send(structured(late))
    system.verified()
    minute, hour = happened.replace(second=0, microsecond=0), happened.replace(minute=0, second=0, microsecond=0)
    for table, bucket in (("port.crane_minute", minute), ("port.crane_hour", hour)):
        query = f"SELECT crane_id, samples, load_t_max, load_t_sum, load_t_count FROM {table} WHERE bucket = %s"
        assert system.database.rows(query, bucket) == [(CRANE, 1, 41.0, 41.0, 1)]


def test_an_event_without_key_and_one_of_a_foreign_partitioner_count_once(system: System) -> None:
    messages = [structured(numbered(n)) for n in range(1, 41)]
    keyless = [
        Message(message.topic, None, message.value, message.headers, n % 2) for n, message in enumerate(messages)
    ]
    worker = system.workers.ready()
    system.send(*keyless, *messages)
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("duplicate")) == (40, 40)
    assert worker.metric("quaystream_key_mismatch_total", topic="crane-events") == 40
    tally = "SELECT accepted, duplicate FROM ingest.source_tally WHERE source = %s AND domain = 'crane'"
    assert system.database.rows(tally, SOURCE) == [(40, 40)]


def test_a_stream_with_more_gaps_than_are_remembered_still_counts_once(system: System) -> None:
    odd = [structured(numbered(n)) for n in range(1, 5_000, 2)]
    even = [structured(numbered(n)) for n in range(2, 5_000, 2)]
    system.workers.ready()
    system.send(*odd)
    system.await_outcomes(len(odd), 40)
    assert system.database.value("SELECT pruned_below FROM ingest.sequence_stream") > 1
    system.send(*even, *odd, *even)
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("duplicate")) == (len(odd) + len(even), len(odd) + len(even))
