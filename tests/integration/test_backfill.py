"""History through the back-fill topics, beside live events: everything has one outcome, whatever happens meanwhile."""

import json
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.topics import BACKFILL_TOPICS
from tests.support.events import Message, event, moment, numbered, structured
from tests.support.system import System
from tests.support.waiting import wait_until
from tests.support.worker import COMMAND, with_settings

HISTORY = "crane-events-backfill"
WEEK = timedelta(days=7)
WAITING = "quaystream_partition_lag_records"
OLD_ROWS = "SELECT count(*) FROM port.crane_sample WHERE partition < 0"
TAKEN = "SELECT coalesce(sum(next_offset - first_offset), 0) FROM ingest.partition_offset WHERE topic LIKE '%-backfill'"


def old(message: Message) -> Message:
    """The same record in the back-fill topic."""
    return replace(message, topic=f"{message.topic}-backfill")


def samples(count: int, bootid: str, ago: timedelta = WEEK) -> list[Message]:
    """Numbered samples of one crane, a second apart, the first so long ago."""
    return [
        structured(numbered(n, bootid=bootid, time=moment(ago - timedelta(seconds=n)))) for n in range(1, count + 1)
    ]


def simulate(system: System, truth: Path, *options: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*COMMAND, "simulate", "--faults", "all", "--truth", str(truth), *options],
        env=with_settings(system.environment, {}),
        stdout=subprocess.DEVNULL,
    )


def taken(system: System) -> int:
    return int(system.database.value(TAKEN))


@pytest.mark.timeout(420)
def test_history_beside_a_live_port_adds_up_and_so_do_rollups_and_facts(system: System, tmp_path: Path) -> None:
    past, now = tmp_path / "past.json", tmp_path / "now.json"
    worker = system.workers.ready()
    both = (
        simulate(system, past, "--seed", "5", "--duration", "2m", "--start", moment(WEEK), "--backfill"),
        simulate(system, now, "--seed", "6", "--duration", "2m", "--rate", "600"),
    )
    assert [run.wait(120) for run in both] == [0, 0]
    ledger = system.verified("--facts", "--truth", str(past))
    system.verified("--truth", str(now))
    live = json.loads(now.read_text())
    assert worker.metric("quaystream_event_age_seconds_count") == live["accepted"]
    of_history = [line for line in ledger.partitions if line["topic"].endswith("-backfill")]
    records = sum(line["accepted"] + line["duplicate"] + line["rejected"] for line in of_history)
    assert records == json.loads(past.read_text())["produced"]
    assert worker.metric("quaystream_backfill_records_total") == records
    cranes = sum(line["accepted"] for line in of_history if line["topic"] == HISTORY)
    stored = sum(
        int(system.database.value(f"SELECT count(*) FROM port.crane_{table} WHERE partition < 0"))
        for table in ("sample", "status", "fault", "job", "assignment")
    )
    assert stored == cranes > 0


@pytest.mark.timeout(420)
def test_a_worker_killed_in_the_middle_of_history_loses_nothing_and_counts_nothing_twice(
    system: System, tmp_path: Path
) -> None:
    past, now = tmp_path / "past.json", tmp_path / "now.json"
    run = simulate(system, past, "--seed", "9", "--duration", "3m", "--start", moment(WEEK), "--backfill")
    assert run.wait(120) == 0
    live = simulate(system, now, "--seed", "10", "--duration", "1m", "--rate", "100")
    settings = {"session_timeout": "3s", "backfill_rate": 1_000}
    for goal in (300, 900, 1_500):
        worker = system.workers.ready(**settings)
        wait_until(lambda goal=goal: taken(system) >= goal, 90, f"{goal} records of history are stored")
        worker.kill()
    assert taken(system) < json.loads(past.read_text())["produced"]
    system.workers.ready(backfill_rate=100_000)
    assert live.wait(120) == 0
    system.verified("--truth", str(past))
    system.verified("--truth", str(now))


@pytest.mark.parametrize("first", ["live", "history"])
def test_an_event_sent_both_ways_is_stored_once(system: System, first: str) -> None:
    live = [*samples(30, "boot-1"), *(structured(event(time=moment(WEEK))) for _ in range(30))]
    system.workers.ready()
    ways = [live, [old(message) for message in live]]
    for messages in ways if first == "live" else ways[::-1]:
        before = system.outcomes()
        system.send(*messages)
        system.await_outcomes(before + 60)
    ledger = system.verified()
    topics = ("crane-events", HISTORY)
    accepted = [ledger.total("accepted", topic) for topic in topics]
    assert accepted == ([60, 0] if first == "live" else [0, 60])
    assert [ledger.total("duplicate", topic) for topic in topics] == accepted[::-1]
    assert system.database.total("port.crane_sample") == 60
    assert system.database.value("SELECT sum(samples) FROM port.crane_minute") == 60


def test_history_that_is_refused_is_relayed_with_its_place_and_replayed_to_where_it_came_from(system: System) -> None:
    system.workers.ready(max_age="10d")
    late = old(structured(event(time=moment(2 * WEEK))))
    (place,) = system.send(late)
    ledger = system.verified()
    assert (ledger.total("rejected", HISTORY), system.reasons()) == (1, {place: ["too_old"]})
    (letter,) = system.broker.records("crane-events-dead-letters")
    headers = dict(letter.headers())
    assert (headers["qs-topic"], headers["qs-offset"]) == (HISTORY.encode(), str(place.offset).encode())
    system.workers.started[0].stop()
    system.workers.ready(max_age="90d")
    assert system.command("dead-letters", "replay", "--reason", "too_old", "--yes").returncode == 0
    wait_until(lambda: system.database.value(OLD_ROWS) == 1, 30, "the replayed record is stored")
    assert system.verified().total("accepted", HISTORY) == 1


def test_paused_history_waits_and_nobody_waits_for_it(system: System) -> None:
    # Ten megabytes: more fetches than Faust's queue of a topic holds.
    large = {"load_t": 1.0, "note": "x" * 35_000}
    system.send(*(old(structured(numbered(n, time=moment(WEEK), data=large))) for n in range(1, 301)))
    worker = system.workers.ready(backfill_rate=0)
    for stored in (20, 40, 60):
        system.send(*(structured(event()) for _ in range(20)))
        wait_until(lambda stored=stored: system.outcomes() == stored, 30, "live events are stored")
    wait_until(lambda: worker.metric(WAITING, topic=HISTORY) == 300, 20, "its lag is shown")
    assert worker.page("/readyz")[0] == 200
    assert worker.page("/livez")[0] == 200
    assert worker.metric("quaystream_backfill_rate") == 0
    assert worker.stop() == 0
    assert system.workers.start("--until-caught-up", backfill_rate=0).ended(60) == 0
    assert taken(system) == 0
    assert system.workers.start("--until-caught-up").ended(60) == 0
    assert system.verified().total("accepted", HISTORY) == 300


def test_a_rate_is_kept_while_live_events_go_on(system: System) -> None:
    system.send(*map(old, samples(3_000, "old")))
    worker = system.workers.ready(backfill_rate=100)
    system.send(*(structured(event()) for _ in range(500)))
    wait_until(lambda: worker.metric("quaystream_records_total", outcome="accepted") >= 500, 20, "live is stored")
    live = "SELECT accepted FROM ingest.partition_offset WHERE topic = 'crane-events'"
    wait_until(lambda: sum(n for (n,) in system.database.rows(live)) == 500, 20, "live is stored")
    assert taken(system) < 2_500  # 25 s of history
    wait_until(lambda: taken(system) > 0, 20, "history goes on")


def test_a_broker_without_back_fill_topics_is_one_line_and_no_obstacle(system: System) -> None:
    system.broker.delete(*(topic.name for topic in BACKFILL_TOPICS))
    worker = system.workers.ready()
    system.send(*(structured(event()) for _ in range(20)))
    assert system.verified().total("accepted") == 20
    lines = [line for line in worker.log().splitlines() if "backfill" in line]
    assert len(lines) == 1
    assert "quaystream topics apply" in lines[0]
    assert not {topic.name for topic in BACKFILL_TOPICS} & system.broker.partitions().keys()


def test_a_recording_is_published_as_history(system: System, tmp_path: Path) -> None:
    file = tmp_path / "week.jsonl"
    file.write_text("".join(json.dumps(numbered(n, time=moment(WEEK))) + "\n" for n in range(1, 51)))
    system.workers.ready()
    done = system.command("publish", str(file), "--backfill", "--json")
    assert json.loads(done.stdout)["topics"] == {HISTORY: 50}
    assert system.verified().total("accepted", HISTORY) == 50
