"""Offsets without a record: removed by retention, or never one (transactions). Each is counted and explained."""

from confluent_kafka import Producer

from tests.support.broker import produce
from tests.support.events import Message, numbered, structured
from tests.support.system import System

TOPIC = "crane-events"
PLACE = (TOPIC, 0)
LOST = "SELECT topic, partition, from_offset, to_offset, kind FROM ingest.lost_range ORDER BY from_offset"


def messages(first: int, last: int) -> list[Message]:
    """Numbered events of one stream, all in partition 0."""
    return [structured(numbered(n)).to(0) for n in range(first, last + 1)]


def transactional(system: System) -> Producer:
    producer = system.broker.producer(transactional_id=f"tx-{system.group}")
    producer.init_transactions(20)
    return producer


def transaction(producer: Producer, sent: list[Message]) -> None:
    producer.begin_transaction()
    for message in sent:
        produce(producer, message)
    producer.flush(20)


def test_what_retention_removed_meanwhile_is_counted_as_missing(system: System) -> None:
    worker = system.workers.ready()
    system.send(*messages(1, 100))
    system.await_outcomes(100)
    assert worker.stop() == 0
    _, stored = system.broker.offsets(*PLACE)
    system.send(*messages(101, 200))
    system.broker.delete_records({PLACE: stored + 60})
    worker = system.workers.ready()
    ledger = system.verified()
    assert system.database.rows(LOST) == [(TOPIC, 0, stored, stored + 60, "retention")]
    assert (ledger.total("accepted"), ledger.total("missing")) == (140, 60)
    assert worker.metric("quaystream_lost_records_total", topic=TOPIC, kind="retention") == 60


def test_what_retention_removed_is_counted_also_when_nothing_is_left(system: System) -> None:
    worker = system.workers.ready()
    system.send(*messages(1, 100))
    system.await_outcomes(100)
    assert worker.stop() == 0
    _, stored = system.broker.offsets(*PLACE)
    system.send(*messages(101, 200))
    system.broker.delete_records({PLACE: stored + 100})
    worker = system.workers.ready()
    worker.await_no_lag()
    ledger = system.verified()
    assert system.database.rows(LOST) == [(TOPIC, 0, stored, stored + 100, "retention")]
    assert (ledger.total("accepted"), ledger.total("missing")) == (100, 100)


def test_a_new_database_begins_where_the_log_does(system: System) -> None:
    system.send(*messages(1, 100))
    first, _ = system.broker.offsets(*PLACE)
    system.broker.delete_records({PLACE: first + 30})
    system.workers.ready()
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("missing")) == (70, 0)


def test_transaction_markers_are_counted_as_no_records(system: System) -> None:
    producer = transactional(system)
    for first in (1, 11, 21):
        transaction(producer, messages(first, first + 9))
        producer.commit_transaction(20)
    worker = system.workers.ready()
    worker.await_no_lag()
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("missing")) == (30, 3)
    assert {kind for *_, kind in system.database.rows(LOST)} == {"not_a_record"}


def test_an_aborted_transaction_leaves_no_event(system: System) -> None:
    producer = transactional(system)
    transaction(producer, messages(1, 10))
    producer.abort_transaction(20)
    transaction(producer, messages(11, 20))
    producer.commit_transaction(20)
    system.workers.ready()
    ledger = system.verified()
    assert system.database.value("SELECT min(sequence) FROM port.crane_sample") == 11
    assert (ledger.total("accepted"), ledger.total("missing")) == (10, 12)


def test_a_topic_created_again_is_refused_in_one_line_until_its_offsets_are_reset(system: System) -> None:
    worker = system.workers.ready()
    system.send(*messages(1, 100))
    system.await_outcomes(100)
    assert worker.stop() == 0
    system.broker.recreate(TOPIC)
    system.send(*messages(101, 110))
    worker = system.workers.start()
    assert worker.ended() == 2
    said = [line for line in worker.log().splitlines() if line.startswith("quaystream: ")]
    assert len(said) == 1, worker.log()
    assert "offsets reset crane-events" in said[0]
    assert "Traceback" not in worker.log()

    reset = system.command("offsets", "reset", TOPIC, "--to", "earliest", "--yes")
    assert reset.returncode == 0, reset.stderr
    system.workers.ready()
    ledger = system.verified()
    assert ledger.total("accepted") == 10
    assert system.database.total("port.crane_sample") == 110
