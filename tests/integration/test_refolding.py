"""Facts are rebuilt from raw rows whenever those change: late, doubled, shuffled, by several workers, after a crash."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from connectors.prometheus import Registry
from connectors.timescale.fact_store import open_fact_store
from connectors.timescale.keyed_folding import KeyedFolding
from connectors.timescale.pool import Pool, open_pool
from connectors.timescale.refolds import TimescaleFactStore
from schemas import metrics
from streams.facts import kinds
from streams.facts.fact import Fact, Rows
from streams.facts.kinds import KeyedKind
from streams.facts.store import Hold, Key
from streams.refolding import Refolding, RefoldPace
from tests.support.raw import arrive, at, gate_step, milestone, row, stated, visit

pytestmark = pytest.mark.asyncio

V1 = Key("gate_visit", "VNHPH-TANVU/V1")
AT_ONCE = RefoldPace(dict.fromkeys(RefoldPace().patience, timedelta(0)), keys=4, close_s=0, hold=None)


@pytest_asyncio.fixture
async def owner(database: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.owner_dsn, server_settings={"timezone": "UTC"})
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    pool = await open_pool(database.worker_dsn, 6)
    yield pool
    await pool.close()


def refolding(store: Any, pace: RefoldPace = AT_ONCE, registry: Registry | None = None) -> Refolding:
    return Refolding(store, registry or Registry(), lambda: False, pace)


async def settle(pool: Pool) -> None:
    """Fold until nothing waits."""
    task = refolding(open_fact_store(pool))
    for _ in range(200):
        await task.turn()
        if await task.is_settled():
            return
    raise AssertionError("marks are left after 200 turns")


async def facts(owner: asyncpg.Connection, table: str) -> list[dict[str, Any]]:
    rows = await owner.fetch(f"SELECT * FROM port.{table}")
    return sorted(map(dict, rows), key=lambda fact: repr(stated(fact)))


async def restatements(owner: asyncpg.Connection) -> list[Mapping[str, Any]]:
    return await owner.fetch(
        "SELECT kind, site, key, revision, reason, old ->> 'outcome' AS was, new ->> 'outcome' AS is "
        "FROM kpi.restatement ORDER BY changed_at, key"
    )


async def test_a_visit_becomes_a_fact_and_its_marks_are_gone(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, visit())
    await settle(pool)
    (fact,) = await facts(owner, "gate_visit")
    assert (fact["visit_id"], fact["outcome"], fact["revision"]) == ("V1", "complete", 1)
    assert fact["total_turn_time_s"] == 300.0
    assert await owner.fetchval("SELECT count(*) FROM ingest.refold") == 0
    assert await restatements(owner) == []


async def test_what_goes_on_changes_without_a_restatement(owner: asyncpg.Connection, pool: Pool) -> None:
    for step in visit():
        await arrive(owner, [step])
        await settle(pool)
    (fact,) = await facts(owner, "gate_visit")
    assert (fact["outcome"], fact["revision"]) == ("complete", 1)
    assert await restatements(owner) == []


async def test_late_step_restates_its_visit_once(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, [*visit("V1"), *visit("V2", 1_000)])
    await settle(pool)
    await arrive(owner, [gate_step(70, "customs_checked", actor="customs", manual=True)])
    await settle(pool)
    late, other = await facts(owner, "gate_visit")
    assert (late["visit_id"], late["revision"], late["manual_touch_points"]) == ("V1", 2, 1)
    assert (other["visit_id"], other["revision"]) == ("V2", 1)
    (line,) = await restatements(owner)
    assert dict(line) == {
        "kind": "gate_visit",
        "site": "VNHPH-TANVU",
        "key": "V1",
        "revision": 2,
        "reason": "late",
        "was": "complete",
        "is": "complete",
    }


async def test_rows_that_change_nothing_leave_the_fact_alone(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, visit())
    await settle(pool)
    (before,) = await facts(owner, "gate_visit")
    await arrive(owner, visit()[:1])
    await settle(pool)
    assert await facts(owner, "gate_visit") == [before]


async def test_a_fact_as_it_was_known_before_it_was_restated(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, visit())
    await settle(pool)
    known = await owner.fetchval("SELECT clock_timestamp()")
    await arrive(owner, [gate_step(70, "customs_checked", actor="customs", manual=True)])
    await settle(pool)

    async def manual(moment: datetime) -> list[int]:
        rows = await owner.fetch("SELECT * FROM kpi.gate_visit_as_known($1)", moment)
        return [row["manual_touch_points"] for row in rows]

    assert await manual(known - timedelta(days=1)) == []
    assert await manual(known) == [0]
    assert await manual(await owner.fetchval("SELECT clock_timestamp()")) == [1]


async def test_a_visit_split_by_a_late_arrival_is_withdrawn_and_told_anew(
    owner: asyncpg.Connection, pool: Pool
) -> None:
    await arrive(owner, [milestone(7_200, "released", agency="customs"), milestone(9_000, "gated_out")])
    await settle(pool)
    await arrive(owner, [milestone(0, "discharged", call_id="CALL-1")])
    await settle(pool)
    (fact,) = await facts(owner, "cargo_visit")
    assert (fact["outcome"], fact["dwell_s"]) == ("complete", 9_000.0)
    (line,) = await restatements(owner)
    assert (line["reason"], line["was"], line["is"]) == ("withdrawn", "no_arrival", None)


async def test_a_replayed_dead_letter_is_named_as_the_reason(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, visit())
    await settle(pool)
    late = gate_step(70, "customs_checked", actor="customs", manual=True)
    await owner.execute(
        "INSERT INTO ingest.dead_letter (topic, partition, record_offset, reason, source, event_id, replayed_at) "
        "VALUES ('gate-events', 0, 1, 'invalid_data', '/gw', $1, now())",
        late["event_id"],
    )
    await arrive(owner, [late])
    await settle(pool)
    assert [line["reason"] for line in await restatements(owner)] == ["replayed"]


async def test_a_visit_that_never_ends_is_closed_by_the_clock_of_its_site(
    owner: asyncpg.Connection, pool: Pool
) -> None:
    await arrive(owner, visit("V1")[:4])
    await settle(pool)
    assert [fact["outcome"] for fact in await facts(owner, "gate_visit")] == ["open"]
    await arrive(owner, visit("V2", 25 * 3_600))
    await settle(pool)
    assert [fact["outcome"] for fact in await facts(owner, "gate_visit")] == ["incomplete", "complete"]
    assert await restatements(owner) == []


async def test_a_status_alone_moves_the_clock_of_its_site(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, visit("V1")[:4])
    status = row("port.crane_status", "VNHPH-TANVU-STS01", at(25 * 3_600), status="idle")
    await arrive(owner, [status])
    await settle(pool)
    assert await owner.fetchval("SELECT newest FROM ingest.site_clock") == at(25 * 3_600)
    assert [fact["outcome"] for fact in await facts(owner, "gate_visit")] == ["incomplete"]
    assert await owner.fetchval("SELECT count(*) FROM ingest.refold") == 0


async def test_when_a_ship_is_to_come_is_stored_as_a_time_and_kept_with_its_call(
    owner: asyncpg.Connection, pool: Pool
) -> None:
    said = {"imo": "9074729", "call_id": "CALL-1", "milestone": "berth_arrival", "classifier": "PLN"}
    expected = datetime.fromisoformat("2026-11-26T08:00:00+07:00")
    planned = row("port.vessel_milestone", "VNHPH-TANVU-CALL1", at(1), **said, expected_time=expected)
    await arrive(owner, [planned])
    await settle(pool)
    assert await owner.fetchval("SELECT expected_time FROM port.vessel_milestone") == expected
    (call,) = await facts(owner, "vessel_call")
    assert json.loads(call["expected"])["berth_arrival"]["PLN"]["expected_time"] == "2026-11-26T01:00:00Z"


PORT = [
    *visit("V1"),
    *visit("V2", 100),
    *visit("V3", 200)[:5],
    gate_step(70, "customs_checked", actor="customs", manual=True),
    gate_step(75, "exception", reason="seal missing", actor="terminal", manual=True),
    milestone(0, "discharged", call_id="CALL-1"),
    milestone(100, "stacked"),
    milestone(200, "clearance", agency="customs", status="requested"),
    milestone(900, "clearance", agency="customs", status="cleared"),
    milestone(950, "released", agency="customs"),
    milestone(2_000, "gated_out"),
    milestone(9 * 86_400, "gated_in"),
]


@pytest.mark.parametrize("seed", range(4))
async def test_shuffled_and_delayed_rows_end_in_the_same_facts(
    owner: asyncpg.Connection, pool: Pool, seed: int
) -> None:
    chance = random.Random(seed)
    for one in PORT:
        await arrive(owner, [one])
    await settle(pool)
    ordered = [await facts(owner, table) for table in ("gate_visit", "cargo_visit")]
    await owner.execute(
        "TRUNCATE port.gate_step, port.cargo_milestone, port.gate_visit, port.cargo_visit, ingest.site_clock"
    )
    shuffled = chance.sample(PORT, len(PORT))
    for start in range(0, len(shuffled), 7):
        await arrive(owner, shuffled[start : start + 7])
        if chance.random() < 0.6:
            await settle(pool)
    await settle(pool)
    found = [await facts(owner, table) for table in ("gate_visit", "cargo_visit")]
    assert [list(map(stated, table)) for table in found] == [list(map(stated, table)) for table in ordered]
    assert len(found[0]) == 3
    assert len(found[1]) == 2


async def test_two_workers_share_the_keys_and_do_none_twice(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, [step for n in range(60) for step in visit(f"V{n}", n)])
    registries = (Registry(), Registry())
    tasks = [refolding(open_fact_store(pool), registry=registry) for registry in registries]
    runs = [asyncio.create_task(task.run()) for task in tasks]
    async with asyncio.timeout(30):
        while not await tasks[0].is_settled():  # noqa: ASYNC110  (the condition is in the database)
            await asyncio.sleep(0.02)
    for task in tasks:
        await task.stop()
    await asyncio.gather(*runs)
    assert len(await facts(owner, "gate_visit")) == 60
    assert {fact["revision"] for fact in await facts(owner, "gate_visit")} == {1}
    folded = [registry.counter(metrics.REFOLD_FACTS, "gate_visit")._value.get() for registry in registries]
    assert sum(folded) == 60


async def test_keys_another_worker_is_folding_are_left_to_it(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, visit())
    async with pool.acquire() as other, other.transaction(isolation="repeatable_read"):
        held = open_fact_store(pool)
        await other.execute("SELECT pg_advisory_xact_lock($1, hashtext('gate_visit/VNHPH-TANVU/V1'))", 0x7266)
        done = await held.refold([V1])
    assert (done.keys, done.busy) == ((), 1)
    assert await owner.fetchval("SELECT count(*) FROM ingest.refold") == 1


class CrashedError(Exception):
    pass


async def test_a_crash_before_the_commit_leaves_the_marks_and_nothing_else(
    owner: asyncpg.Connection, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.timescale import refolds

    await arrive(owner, visit())

    async def crash(*_: Any) -> None:
        raise CrashedError

    with monkeypatch.context() as patched:
        patched.setattr(refolds, "_take_away", crash)
        with pytest.raises(CrashedError):
            await open_fact_store(pool).refold([V1])
    assert await facts(owner, "gate_visit") == []
    assert await owner.fetchval("SELECT count(*) FROM ingest.refold") == 1
    await settle(pool)
    assert len(await facts(owner, "gate_visit")) == 1


async def test_rows_stored_while_a_key_is_folded_are_folded_after_it(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, visit()[:5])
    store = TimescaleFactStore(pool, {"gate_visit": _Meanwhile(owner, visit()[5:])}, kinds.KEYED)
    await store.refold([V1])
    assert [fact["outcome"] for fact in await facts(owner, "gate_visit")] == ["open"]
    assert await owner.fetchval("SELECT count(*) FROM ingest.refold") == 1
    await settle(pool)
    assert [fact["outcome"] for fact in await facts(owner, "gate_visit")] == ["complete"]


class _Meanwhile(KeyedFolding):
    """Lets rows arrive while it folds."""

    def __init__(self, owner: asyncpg.Connection, rows: Sequence[Any]) -> None:
        super().__init__(kinds.GATE)
        self._owner = owner
        self._rows = rows

    async def fold(self, *args: Any) -> Any:
        await arrive(self._owner, self._rows)
        return await super().fold(*args)


def _poisoned(key: str, rows: Rows, as_of: datetime) -> list[Fact]:
    if key.endswith("/V1"):
        raise ZeroDivisionError("no such thing")
    return kinds.GATE.fold(key, rows, as_of)


async def test_a_key_whose_fold_fails_stops_no_other_and_is_tried_again(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, [*visit("V1"), *visit("V2"), *visit("V3")])
    gate = kinds.GATE
    bad = KeyedKind(gate.table, gate.column, gate.raw, _poisoned, gate.patience, gate.reach)
    registry = Registry()
    task = refolding(TimescaleFactStore(pool, {"gate_visit": KeyedFolding(bad)}, kinds.KEYED), registry=registry)
    await task.turn()
    assert [fact["visit_id"] for fact in await facts(owner, "gate_visit")] == ["V2", "V3"]
    failure = await owner.fetchrow(
        "SELECT kind, key, failures, detail, retry_at > now() AS rests FROM ingest.refold_failure"
    )
    assert dict(failure) == {**V1._asdict(), "failures": 1, "detail": "ZeroDivisionError: no such thing", "rests": True}
    assert registry.counter(metrics.REFOLD_FAILURES, "gate_visit")._value.get() == 1
    assert await task.is_settled()
    await owner.execute("UPDATE ingest.refold_failure SET retry_at = now()")
    await settle(pool)
    assert len(await facts(owner, "gate_visit")) == 3
    assert await owner.fetchval("SELECT count(*) FROM ingest.refold_failure") == 0


async def test_a_fact_the_database_refuses_is_found_by_halving(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, [step for n in range(4) for step in visit(f"V{n}", n)])

    def refused(key: str, rows: Rows, as_of: datetime) -> list[Fact]:
        (fact,) = kinds.GATE.fold(key, rows, as_of)
        values = {**fact.values, **({"holds": None} if key.endswith("/V2") else {})}
        return [Fact(fact.kind, fact.key, values)]

    gate = kinds.GATE
    bad = KeyedKind(gate.table, gate.column, gate.raw, refused, gate.patience, gate.reach)
    await refolding(TimescaleFactStore(pool, {"gate_visit": KeyedFolding(bad)}, kinds.KEYED)).turn()
    assert [fact["visit_id"] for fact in await facts(owner, "gate_visit")] == ["V0", "V1", "V3"]
    assert await owner.fetchval("SELECT key FROM ingest.refold_failure") == "VNHPH-TANVU/V2"


async def test_marks_rest_while_the_lanes_are_behind_but_not_for_ever(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, visit())
    task = Refolding(open_fact_store(pool), Registry(), lambda: True, RefoldPace(behind=timedelta(hours=1)))
    await task.turn()
    assert await facts(owner, "gate_visit") == []
    await owner.execute("UPDATE ingest.refold SET marked_at = now() - interval '61 minutes'")
    pause = await task.turn()
    assert len(await facts(owner, "gate_visit")) == 1
    assert pause > 0


async def test_facts_whose_raw_rows_are_gone_stay_as_they_were_told(owner: asyncpg.Connection, pool: Pool) -> None:
    await arrive(owner, visit())
    await settle(pool)
    told = await facts(owner, "gate_visit")
    await owner.execute("DELETE FROM port.gate_step")
    await owner.execute(
        "INSERT INTO ingest.retired (table_name, from_time, to_time, rows) VALUES ('port.gate_step', $1, $2, 7)",
        at(0),
        at(86_400),
    )
    await arrive(owner, [gate_step(90_000, "exception", reason="too late")])
    await settle(pool)
    assert await facts(owner, "gate_visit") == told
    assert await restatements(owner) == []


async def test_keys_whose_past_still_comes_rest_and_are_then_folded_once(owner: asyncpg.Connection, pool: Pool) -> None:
    """A site that catches up holds its late keys, nobody else's; what came late rests as long again at most."""
    await arrive(owner, [*visit("V1"), *visit("V2", 1_000), milestone(0, "discharged")])
    moved = """
        UPDATE ingest.refold SET marked_at = now() - $1::interval, from_time = now() - $1::interval - $2::interval, to_time = now()
        WHERE key LIKE $3
    """
    # V1 came a minute late and a little while ago; the box just now, as it happened; of V2 more comes, late, all the time.
    await owner.execute(moved, timedelta(seconds=30), timedelta(seconds=60), "%/V1")
    await owner.execute(moved, timedelta(seconds=3), timedelta(0), "%/CSQU3054383")
    await owner.execute(moved, timedelta(seconds=1), timedelta(hours=4), "%/V2")
    store, hold, patience = open_fact_store(pool), Hold(), RefoldPace().patience
    assert [key.key for key in await store.due(patience, 10, hold)] == ["VNHPH-TANVU/CSQU3054383"]
    # As long again as it came late: a minute is over.
    await owner.execute(moved, timedelta(seconds=61), timedelta(seconds=60), "%/V1")
    assert {key.key for key in await store.due({"gate_visit": timedelta(0)}, 10, hold)} == {"VNHPH-TANVU/V1"}
    # Ten minutes at most, however late.
    await owner.execute(moved, timedelta(seconds=601), timedelta(hours=4), "%/V2")
    await arrive(owner, [gate_step(5_000, "exception", "V3")])
    due = await store.due({"gate_visit": timedelta(0)}, 10, hold)
    assert {key.key for key in due} == {"VNHPH-TANVU/V1", "VNHPH-TANVU/V2"}
    # Nothing late has come for five seconds: its past is complete.
    await owner.execute("UPDATE ingest.refold SET marked_at = marked_at - interval '6 seconds'")
    due = await store.due({"gate_visit": timedelta(0)}, 10, hold)
    assert {key.key for key in due} == {"VNHPH-TANVU/V1", "VNHPH-TANVU/V2", "VNHPH-TANVU/V3"}
