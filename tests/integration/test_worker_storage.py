"""What the schemas do not know is kept, and one row the database will not take does not hold up the others."""

import psycopg

from deploy.local.stack import Stack
from tests.support.events import Message, binary, event, numbered, structured
from tests.support.system import System
from tests.support.waiting import wait_until

BLOCKED = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def test_unknown_fields_are_kept_and_unknown_attributes_are_accepted_and_both_are_counted(system: System) -> None:
    worker = system.workers.ready()
    system.send(
        structured(numbered(1, data={"load_t": 7.0, "mood": "calm"})),
        binary(numbered(2, data={"load_t": 8.0, "axes": [1, 2]})),
        structured(numbered(3, colour="red")),
        binary(numbered(4, colour="blue")),
        structured(numbered(5)),
    )
    system.verified()
    rows = system.database.rows("SELECT sequence, load_t, extra FROM port.crane_sample ORDER BY sequence")
    kept = [{"mood": "calm"}, {"axes": [1, 2]}, None, None, None]
    assert rows == list(zip(range(1, 6), (7.0, 8.0, 20.5, 20.5, 20.5), kept, strict=True))
    assert worker.metric("quaystream_unknown_fields_total", domain="crane") == 4


def test_one_row_the_database_refuses_is_one_dead_letter(system: System) -> None:
    system.database.rows("ALTER TABLE port.crane_sample ADD CONSTRAINT light CHECK (load_t < 900) NOT VALID")
    messages = [structured(numbered(n, data={"load_t": 950.0 if n == 137 else 10.0})) for n in range(1, 201)]
    placed = system.send(*messages)
    worker = system.workers.ready()
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("rejected")) == (199, 1)
    assert system.reasons() == {placed[136]: ["storage_refused"]}
    assert system.database.total("port.crane_sample", "sequence <> 137") == 199
    assert worker.metric("quaystream_records_total", outcome="rejected", reason="storage_refused") == 1
    assert worker.metric("quaystream_commit_retries_total") >= 1


def test_a_refused_row_that_is_mended_is_stored_by_its_replay(system: System) -> None:
    system.database.rows("ALTER TABLE port.crane_sample ADD CONSTRAINT light CHECK (load_t < 900) NOT VALID")
    system.workers.ready()
    system.send(*(structured(numbered(n, data={"load_t": 950.0 if n == 2 else 10.0})) for n in (1, 2, 3)))
    system.await_outcomes(3)
    system.database.rows("ALTER TABLE port.crane_sample DROP CONSTRAINT light")
    assert system.command("dead-letters", "replay", "--yes", "--reason", "storage_refused").returncode == 0
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("rejected")) == (3, 1)
    assert system.database.total("ingest.sequence_gap", "filled_at IS NULL") == 0


def test_records_of_four_megabytes_are_one_dead_letter_each(system: System) -> None:
    system.workers.ready()
    huge = Message("crane-events", b"huge", b" " * 3_900_000)
    placed = system.send(huge, structured(event()), huge)
    ledger = system.verified()
    assert system.reasons() == {placed[0]: ["too_large"], placed[2]: ["too_large"]}
    assert ledger.total("accepted") == 1
    assert [len(record.value()) for record in system.broker.records("crane-events-dead-letters")] == [3_900_000] * 2


def test_every_domain_has_its_rows_and_rollups(system: System) -> None:
    subjects = {
        "crane.sample": "VNHPH-TANVU-STS01",
        "gate.step": "VNHPH-TANVU-GATE1",
        "cell.radio": "VNHPH-TANVU-UE7",
        "cargo.milestone": "VNHPH-TANVU-CSQU3054383",
        "vessel.milestone": "VNHPH-TANVU-CALL1",
    }
    system.workers.ready()
    system.send(*(structured(event(what, subject=subject)) for what, subject in subjects.items() for _ in range(20)))
    ledger = system.verified()
    assert ledger.total("accepted") == 100
    tables = ("crane_sample", "gate_step", "radio_sample", "cargo_milestone", "vessel_milestone")
    assert {table: system.database.total(f"port.{table}") for table in tables} == dict.fromkeys(tables, 20)
    for table, column in (("crane_hour", "samples"), ("gate_hour", "steps"), ("radio_hour", "samples")):
        assert system.database.value(f"SELECT sum({column}) FROM port.{table}") == 20
    assert {asset for (asset,) in system.database.rows("SELECT asset_id FROM port.asset")} >= set(subjects.values())


def test_a_cancelled_statement_is_tried_again(system: System, stack: Stack) -> None:
    worker = system.workers.ready()
    with psycopg.connect(system.database.owner_dsn) as lock:
        lock.execute("LOCK TABLE port.crane_sample IN ACCESS EXCLUSIVE MODE")
        system.send(structured(numbered(1)))
        ((pid,),) = wait_until(lambda: system.database.rows(BLOCKED), 20, "the transaction waits for the table")
        with psycopg.connect(stack.superuser_url(), autocommit=True) as superuser:
            superuser.execute("SELECT pg_cancel_backend(%s)", (pid,))
        retried = lambda: worker.metric("quaystream_commit_retries_total", cause="sqlstate_57") >= 1  # noqa: E731
        wait_until(retried, 20, "it was cancelled")
    ledger = system.verified()
    assert (ledger.total("accepted"), ledger.total("rejected")) == (1, 0)
    assert worker.is_running()
