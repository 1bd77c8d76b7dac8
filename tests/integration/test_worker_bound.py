"""The dead-letter bound: a partition full of poison stops by itself, alone, until a person lifts it."""

from tests.support.events import Message, numbered, structured
from tests.support.system import System
from tests.support.waiting import wait_until

TOPIC = "crane-events"
POISON = Message(TOPIC, b"poison", b"not json", ())
PAUSED = "quaystream_partition_paused"


def test_a_run_of_poison_pauses_its_partition_alone_until_it_is_resumed(system: System) -> None:
    worker = system.workers.ready(dead_letter_run=50)
    good = [structured(numbered(n)).to(1) for n in range(1, 101)]
    system.send(*[POISON.to(0)] * 120, *good)
    wait_until(lambda: worker.metric(PAUSED, topic=TOPIC, partition="0") == 1, 20, "the partition is paused")
    system.await_outcomes(150)
    assert system.database.total("ingest.dead_letter") == 50
    assert system.database.total("port.crane_sample") == 100
    assert worker.metric(PAUSED) == 1
    assert worker.page("/livez") == (200, "ok\n")

    resumed = system.command("dead-letters", "resume", TOPIC, "0")
    assert resumed.returncode == 0, resumed.stderr
    system.await_outcomes(200)
    # The bound starts afresh: fifty more, then it stops again.
    wait_until(lambda: system.database.total("ingest.partition_pause") == 2, 20, "the second pause")
    assert system.database.total("ingest.dead_letter") == 100
    system.command("dead-letters", "resume")
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("rejected")) == (100, 120)
    wait_until(lambda: worker.metric(PAUSED) == 0, 20, "nothing is paused")


def test_a_pause_outlasts_a_restart(system: System) -> None:
    worker = system.workers.ready(dead_letter_run=50)
    system.send(*[POISON.to(0)] * 80)
    wait_until(lambda: system.database.total("ingest.partition_pause") == 1, 20, "the pause")
    assert worker.stop() == 0
    worker = system.workers.ready(dead_letter_run=50)
    system.send(*(structured(numbered(n)).to(1) for n in range(1, 101)))
    system.await_outcomes(150)
    wait_until(lambda: worker.metric(PAUSED, topic=TOPIC, partition="0") == 1, 20, "the partition is still paused")
    assert system.database.total("ingest.dead_letter") == 50
    system.command("dead-letters", "resume")
    assert system.verified().total("rejected") == 80


def test_a_share_of_poison_pauses_too(system: System) -> None:
    system.workers.ready(dead_letter_share=0.5, dead_letter_window=200)
    good = [structured(numbered(n)).to(0) for n in range(1, 101)]
    system.send(*(message for one in good for message in (one, POISON.to(0), POISON.to(0))))
    wait_until(lambda: system.database.total("ingest.partition_pause") == 1, 20, "the pause")
    # More than half of 200 records: the hundred-and-first stops it.
    assert system.database.total("ingest.dead_letter") == 101


def test_a_gateway_with_a_bad_clock_pauses_nothing(system: System) -> None:
    worker = system.workers.ready(dead_letter_run=50)
    skewed = [structured(numbered(n, time="2100-01-01T00:00:00Z")).to(0) for n in range(1, 121)]
    system.send(*skewed, *(structured(numbered(n, bootid="sane")).to(0) for n in range(1, 11)))
    ledger = system.verified()
    assert (ledger.total("rejected"), ledger.total("accepted")) == (120, 10)
    assert worker.metric(PAUSED) == 0
