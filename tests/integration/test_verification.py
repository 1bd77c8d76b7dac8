"""What `verify --incremental` looks at and what the nightly pass does: each finds its damage, and says what it covered."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from connectors.prometheus import Registry
from connectors.timescale import hours
from connectors.timescale.nightly import begin, end, is_due, turn, verify_everything
from connectors.timescale.verification import Report, only_one, verify_changed
from schemas import metrics
from streams.verifying import Verifying
from tests.support.ledger_port import PORT

pytestmark = pytest.mark.asyncio

OLD = datetime(2026, 1, 1, 8, tzinfo=UTC)


def mark_of(table: str) -> str:
    """How the ingest transaction says that it wrote to an hour of a table ($1, $2)."""
    where = "stale_hour" if table.endswith("_hour") else "written_hour"
    return f"INSERT INTO ingest.{where} (table_name, bucket) VALUES ($1, $2)"


class Port:
    """A database whose ledger adds up, its owner, and a worker's connection that verifies."""

    def __init__(self, owner: asyncpg.Connection, worker: asyncpg.Connection) -> None:
        self.owner = owner
        self.worker = worker

    async def changed(self) -> Report:
        return await verify_changed(self.worker)

    async def night(self) -> Report:
        return await verify_everything(self.worker)

    async def state(self, scope: str) -> Any:
        return await self.owner.fetchrow("SELECT * FROM ingest.verification WHERE scope = $1", scope)

    async def written(self, *tables: str, hour: datetime = OLD) -> None:
        """As the ingest transaction says that it wrote to tables, and as the worker passes it on."""
        for table in tables:
            await self.owner.execute(mark_of(table), table, hour)
        await hours.roll(self.worker)


@pytest_asyncio.fixture
async def port(database: Any) -> AsyncIterator[Port]:
    """Everything in it has been looked at once."""
    in_utc = {"timezone": "UTC"}
    owner = await asyncpg.connect(database.owner_dsn, server_settings=in_utc)
    worker = await asyncpg.connect(database.worker_dsn, server_settings=in_utc)
    await owner.execute(PORT)
    await owner.execute(
        "INSERT INTO ingest.unverified (table_name, bucket) SELECT table_name, bucket FROM ingest.raw_table, "
        "generate_series('2026-01-01 08:00Z'::timestamptz, '2026-01-01 09:00Z', '1 hour') AS bucket "
        "UNION ALL SELECT 'port.' || kind || '_hour', '2026-01-01 08:00Z' FROM unnest('{crane,gate,cell,radio}'::text[]) AS kind "
        "UNION ALL SELECT 'port.crane_hour', '2026-01-01 09:00Z'"
    )
    made = Port(owner, worker)
    first = await made.changed()
    assert first.differences == ()
    assert first.covered.rows == 12
    yield made
    await owner.close()
    await worker.close()


async def test_what_nobody_wrote_to_is_remembered_and_said_to_be(port: Port) -> None:
    report = await port.changed()
    assert report.differences == ()
    assert (report.covered.hours, report.covered.rows) == (0, 0)
    assert (report.covered.remembered_hours, report.covered.remembered_rows) == (6, 12)
    state = await port.state("incremental")
    assert state["succeeded_at"] == state["finished_at"]


NEW = """
INSERT INTO port.gate_step (time, gate_id, site, source, event_id, partition, record_offset, visit_id, lane, direction, step, actor,
    manual) VALUES ('2026-01-01 08:30:00Z', 'VNHPH-TANVU-G1', 'VNHPH-TANVU', '/gw', 'late', 1, 4, 'v2', 'IN1', 'in', 'queued', 'driver', false);
INSERT INTO port.gate_minute VALUES ('2026-01-01 08:30Z', 'VNHPH-TANVU-G1', 'VNHPH-TANVU', 'IN1', 1, 0, 0, 0, 0, 0, 0);
UPDATE port.gate_hour SET steps = 4;
UPDATE ingest.partition_offset SET next_offset = 5, accepted = 5 WHERE topic = 'gate-events';
"""


async def test_a_late_event_has_its_hours_looked_at_again_and_no_others(port: Port) -> None:
    await port.owner.execute(NEW)
    await port.written("port.gate_step", "port.gate_hour")
    report = await port.changed()
    assert report.differences == ()
    assert (report.covered.hours, report.covered.rows, report.covered.remembered_rows) == (2, 4, 9)
    assert (await port.changed()).covered.hours == 0


async def test_what_is_not_added_up_yet_is_said_to_be_left_out_and_looked_at_later(port: Port) -> None:
    await port.owner.execute(NEW)
    for table in ("port.gate_step", "port.gate_hour"):
        await port.owner.execute(mark_of(table), table, OLD)
    assert (await port.changed()).covered.left_out == ("1 hours that are still to be added up",)
    await hours.roll(port.worker)
    report = await port.changed()
    assert (report.covered.left_out, report.covered.hours) == ((), 2)


async def test_a_mark_that_comes_while_its_hour_is_looked_at_stays(port: Port) -> None:
    await port.written("port.gate_step")
    (before,) = await port.owner.fetch("SELECT * FROM ingest.unverified")
    await port.written("port.gate_step")
    from connectors.timescale.verified import Mark, take_away

    await take_away(port.worker, [Mark(*before)])
    (after,) = await port.owner.fetch("SELECT * FROM ingest.unverified")
    assert after["version"] == before["version"] + 1


CHANGED = {
    "UPDATE port.crane_minute SET samples = 4 WHERE samples = 2": (
        "port.crane_minute 2026-01-01 08:00:00+00 VNHPH-TANVU-C1 VNHPH-TANVU: samples is 4, recomputed 2"
    ),
    "UPDATE port.crane_hour SET wind_mps_max = 3 WHERE samples = 3": "wind_mps_max is 3.0, recomputed 5.0",
    "DELETE FROM port.gate_step WHERE event_id = 'd'": "gate-events[1]: 4 accepted, but 3 records have rows",
    "INSERT INTO port.crane_sample SELECT * FROM port.crane_sample WHERE event_id = 'c'": (
        "port.crane_sample: crane-events[0] offset 102 is stored 2 times"
    ),
    "UPDATE port.gate_step SET event_id = 'e', time = '2026-01-01 08:00:02Z' WHERE event_id = 'f'": (
        "port.gate_step: event /gw e is stored 2 times"
    ),
    "UPDATE ingest.dead_letter SET record_offset = 101": (
        "crane-events[0] offset 101: both in port.crane_sample and a dead letter"
    ),
    "UPDATE port.radio_sample SET record_offset = 3": (
        "cell-events[2]: port.radio_sample has offset 3, the fence is at 3"
    ),
}


async def test_damage_where_somebody_wrote_is_found_every_time_until_it_is_mended(port: Port) -> None:
    await port.written("port.crane_hour", "port.crane_sample", "port.gate_step", "port.radio_sample")
    for change in CHANGED:
        await port.owner.execute(change)
    for _ in range(2):
        said = "\n".join((await port.changed()).differences)
        assert [text for text in CHANGED.values() if text not in said] == []
    state = await port.state("incremental")
    assert state["differences"]
    assert state["succeeded_at"] < state["finished_at"]


async def test_counts_are_compared_although_no_row_is_read(port: Port) -> None:
    await port.owner.execute("DELETE FROM ingest.dead_letter")
    await port.owner.execute(
        "UPDATE ingest.partition_offset SET accepted = 5, duplicate = 2 WHERE topic = 'crane-events'"
    )
    report = await port.changed()
    assert report.covered.rows == 0
    assert report.differences == (
        "crane-events[0]: 5 accepted, but 4 records have rows",
        "crane-events[0]: 1 rejected, but 0 dead letters",
    )


UNSEEN = {
    "UPDATE port.crane_minute SET samples = 4 WHERE samples = 2": (
        "port.crane_minute 2026-01-01 08:00:00+00 VNHPH-TANVU-C1 VNHPH-TANVU: samples is 4, recomputed 2"
    ),
    "UPDATE port.gate_hour SET steps = 9": (
        "port.gate_hour 2026-01-01 08:00:00+00 VNHPH-TANVU-G1 VNHPH-TANVU IN1: steps is 9, recomputed 3"
    ),
    "DELETE FROM port.gate_step WHERE event_id = 'd'": (
        "port.gate_step 2026-01-01 08:00: has 2 rows, had 3; no worker has written there since"
    ),
    "DELETE FROM port.radio_sample": (
        "port.radio_sample 2026-01-01 08:00: has 0 rows, had 1; no worker has written there since"
    ),
    "UPDATE port.ocr_read SET confidence = 0.75": (
        "port.ocr_read 2026-01-01 08:00: has other values; no worker has written there since"
    ),
    (
        "INSERT INTO port.crane_status (time, crane_id, site, source, event_id, partition, record_offset, status) "
        "VALUES ('2026-01-03 11:00Z', 'VNHPH-TANVU-C1', 'VNHPH-TANVU', '/gw', 'x', 0, 108, 'on')"
    ): "port.crane_status 2026-01-03 11:00: has 1 rows that no worker told of; no worker has written there since",
    "INSERT INTO port.gate_minute SELECT bucket + '9 days', gate_id, site, lane FROM port.gate_minute": (
        "port.gate_minute 2026-01-10 08:00:00+00 VNHPH-TANVU-G1 VNHPH-TANVU IN1: has a row, but nothing it could be the sum of"
    ),
    (
        "INSERT INTO port.cargo_visit (cargo_visit_id, equipment_reference, site, cargo_class, flow, wait_s_by_agency, "
        "agency_wait_s, first_at, last_at, outcome) VALUES ('X', 'X', 'VNHPH-TANVU', 'import', 'import', '{}', 0, "
        "'2026-03-01', '2026-03-01', 'complete')"
    ): "port.cargo_visit X: no raw rows say so",
}


async def test_damage_where_nobody_wrote_is_found_by_the_night_and_said_again_the_next(port: Port) -> None:
    assert (await port.night()).differences == ()
    assert (await port.state("nightly"))["succeeded_at"] is not None
    for change in UNSEEN:
        await port.owner.execute(change)
    assert (await port.changed()).differences == ()
    for _ in range(2):
        differences = (await port.night()).differences
        assert [text for text in UNSEEN.values() if text not in differences] == []
    state = await port.state("nightly")
    assert state["succeeded_at"] < state["finished_at"]


async def test_a_pass_is_spread_and_goes_on_where_another_worker_stopped(port: Port) -> None:
    first = await begin(port.worker)
    pieces = list(first.left)
    await port.owner.execute("UPDATE port.gate_hour SET steps = 9")
    while first.left[0].name != "port.gate_hour":
        await turn(port.worker, first)
    differences = await turn(port.worker, first)
    assert (await port.state("nightly"))["found"] == differences != []
    second = await begin(port.worker)
    assert second.left == first.left == pieces[-len(first.left) :]
    while second.left:
        await turn(port.worker, second)
    report = await end(port.worker)
    assert (report.differences, report.covered.rows) == (tuple(differences), 12)
    assert not await is_due(port.worker)
    assert len((await begin(port.worker)).left) == len(pieces)


async def test_a_worker_verifies_by_itself_and_every_worker_tells(port: Port, database: Any) -> None:
    registry = Registry(metrics.WORKER)
    verifying = Verifying(database.worker_dsn, registry)
    await port.owner.execute("UPDATE ingest.verification SET finished_at = now() - interval '2 hours'")
    await port.owner.execute("UPDATE port.gate_hour SET steps = 9")
    await port.written("port.gate_step")
    await verifying.turn()
    assert (await port.state("incremental"))["rows"] == 3
    while await is_due(port.worker):
        await verifying.turn()
    await verifying.turn()
    other = Registry(metrics.WORKER)
    await Verifying(database.worker_dsn, other).observe(port.worker)
    said = other.text().decode()
    assert 'quaystream_verify_differences{scope="incremental"} 0.0' in said
    assert 'quaystream_verify_differences{scope="nightly"} 1.0' in said
    assert "quaystream_verify_waiting_hours 0.0" in said
    for scope in ("incremental", "nightly"):
        state = await port.state(scope)
        succeeded = (state["succeeded_at"] or state["known_since"]).timestamp()
        (told,) = re.findall(rf'last_success_timestamp_seconds{{scope="{scope}"}} (\S+)', said)
        assert float(told) == pytest.approx(succeeded)
        assert (state["succeeded_at"] is None) == (scope == "nightly")


async def test_a_change_that_is_accepted_by_hand_is_no_difference_any_more(port: Port) -> None:
    """As the runbook says."""
    await port.owner.execute("UPDATE port.gate_step SET actor = 'driver' WHERE event_id = 'd'")
    assert (await port.night()).differences
    await port.owner.execute("INSERT INTO ingest.unverified (table_name, bucket) VALUES ('port.gate_step', $1)", OLD)
    assert (await port.changed()).differences == ()
    assert (await port.night()).differences == ()


async def test_what_retention_removed_is_forgotten_with_it(port: Port) -> None:
    await port.owner.fetchval("SELECT ingest.retire('port.gate_step', '2026-02-01')")
    report = await port.changed()
    assert report.differences == ()
    assert (report.covered.remembered_hours, report.covered.remembered_rows) == (5, 9)
    assert (await port.night()).differences == ()


async def test_nothing_is_remembered_when_retention_comes_between(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    from connectors.timescale import verification

    real = verification.settle

    async def late(*args: Any) -> bool:
        await port.owner.fetchval("SELECT ingest.retire('port.gate_step', '2026-02-01')")
        return await real(*args)

    await port.written("port.gate_step")
    monkeypatch.setattr(verification, "settle", late)
    report = await port.changed()
    assert len(report.covered.left_out) == 1
    state = await port.state("incremental")
    assert state["succeeded_at"] < state["finished_at"]
    monkeypatch.undo()
    assert (await port.changed()).differences == ()
    assert await port.owner.fetchval("SELECT count(*) FROM ingest.verified WHERE table_name = 'port.gate_step'") == 0


async def test_one_verifies_at_a_time(port: Port) -> None:
    async with only_one(port.worker) as is_ours, only_one(port.owner) as is_theirs:
        assert (is_ours, is_theirs) == (True, False)
    async with only_one(port.owner) as is_theirs:
        assert is_theirs
