"""Device minutes in the database: judged once they are over, again when late readings come, and what is left of budgets."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pyarrow as pa
import pytest
import pytest_asyncio

from connectors.timescale import hours, rollups, sla, sla_profiles
from connectors.timescale.derived_check import check_derived
from connectors.timescale.pool import Pool, open_pool
from schemas.errors import ConfigurationError
from schemas.sla import load_profiles
from streams.core import assemble
from streams.domains import DOMAINS
from tests.support.raw import Row, arrive, batches, row

pytestmark = pytest.mark.asyncio
SITE = "VNHPH-TANVU"
MODEM = f"{SITE}-STS01_UE"  # declared: rides on a quay crane
STRANGER = f"{SITE}-PHONE7"  # nobody declared it
SHIFT = datetime(2026, 2, 28, 23, tzinfo=UTC)  # 06:00 of 1 March in Hai Phong: the morning shift begins
CELL_DOMAIN = next(domain for domain in DOMAINS if domain.name == "cell")
GOOD = {"rtt_ms": 14.0, "sinr_db": 20.0, "loss_ratio": 1e-5, "uplink_mbps": 50.0, "handover": False, "five_qi": 82}


def reading(at: datetime, device: str = MODEM, **values: Any) -> Row:
    return row("port.radio_sample", device, at, **{**GOOD, **values})


def minute(number: int, device: str = MODEM, step_s: float = 1.0, start: datetime = SHIFT, **values: Any) -> list[Row]:
    """A minute of readings, every `step_s`."""
    begins = start + timedelta(minutes=number)
    return [reading(begins + timedelta(seconds=n * step_s), device, **values) for n in range(int(60 / step_s))]


async def store(owner: asyncpg.Connection, rows: list[Row]) -> None:
    """Rows, minutes and marks, as the ingest transaction leaves them."""
    deltas: dict[str, pa.Table] = assemble.rollups(CELL_DOMAIN, batches(rows))
    await arrive(owner, rows)
    for table, delta in deltas.items():
        await rollups.add(owner, table, delta)
    await hours.mark(owner, deltas)
    await sla.mark(owner, deltas)


@pytest_asyncio.fixture
async def owner(database: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.owner_dsn, server_settings={"timezone": "UTC"})
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    found = await open_pool(database.worker_dsn, 1)
    yield found
    await found.close()


async def judge_all(pool: Pool) -> Counter[tuple[str, str, str]]:
    """What was counted as judged the first time."""
    counted: Counter[tuple[str, str, str]] = Counter()
    while True:
        done = await sla.judge_minutes(pool, timedelta(0))
        assert done is not None
        counted += Counter(done.states)
        if done.is_all:
            return counted


async def states(owner: asyncpg.Connection, device: str = MODEM, profile: str = "remote-crane-control") -> list[Any]:
    rows = await owner.fetch(
        "SELECT state, good, bad, samples FROM port.sla_minute WHERE device_id = $1 AND profile = $2 ORDER BY bucket",
        device,
        profile,
    )
    return [tuple(one) for one in rows]


async def test_minutes_are_judged_by_every_profile_that_is_asked_of_the_device(
    owner: asyncpg.Connection, pool: Pool
) -> None:
    await store(owner, minute(0) + minute(1, rtt_ms=200.0) + minute(2, uplink_mbps=12.0) + minute(0, STRANGER))
    await judge_all(pool)
    rows = await owner.fetch(
        "SELECT device_id, profile, state FROM port.sla_minute ORDER BY device_id, profile, bucket"
    )
    assert [tuple(one) for one in rows] == [
        (STRANGER, "5qi-82", "in"),
        (STRANGER, "process-monitoring", "in"),
        *((MODEM, "5qi-82", state) for state in ("in", "out", "in")),
        *((MODEM, "remote-crane-control", state) for state in ("in", "out", "in")),
        *((MODEM, "video-uplink", state) for state in ("in", "in", "out")),
    ]
    assert await owner.fetchval("SELECT count(*) FROM ingest.stale_sla") == 0


async def test_late_readings_change_the_minute_they_belong_to(owner: asyncpg.Connection, pool: Pool) -> None:
    rows = minute(0)
    await store(owner, rows[:9])
    await judge_all(pool)
    assert await states(owner) == [("unknown", 9, 0, 9)]
    await store(owner, minute(5))
    await store(owner, rows[9:40])
    await judge_all(pool)
    assert await states(owner) == [("in", 40, 0, 40), ("in", 60, 0, 60)]
    await store(owner, [reading(one["time"], rtt_ms=99.0) for one in rows[40:]])
    await judge_all(pool)
    assert await states(owner) == [("out", 40, 20, 60), ("in", 60, 0, 60)]


async def test_a_late_reading_shortens_what_the_first_of_the_next_minute_tells_of(
    owner: asyncpg.Connection, pool: Pool
) -> None:
    first = minute(0)
    await store(owner, first[:56])
    lossy = minute(1)
    lossy[0] |= {"loss_ratio": 0.01}  # of 5 s that is 50 ms, of 1 s 10 ms: longer and shorter than the survival time
    await store(owner, lossy)
    await judge_all(pool)
    assert [one[0] for one in await states(owner)] == ["in", "out"]
    await store(owner, first[56:])
    await judge_all(pool)
    assert [one[0] for one in await states(owner)] == ["in", "in"]


async def test_a_minute_waits_while_its_readings_come_and_shortly_once_it_is_over(
    owner: asyncpg.Connection, pool: Pool
) -> None:
    async def later(seconds: int) -> None:
        await owner.execute(
            "UPDATE ingest.stale_sla SET marked_at = marked_at - $1::interval", timedelta(seconds=seconds)
        )

    await store(owner, minute(0)[:20])
    await later(19)
    assert (await sla.judge_minutes(pool)) == sla.Judgement()
    await store(owner, minute(0)[20:30])
    await later(19)  # the first mark is 38 s old, but readings go on coming
    assert (await sla.judge_minutes(pool)) == sla.Judgement()
    await store(owner, minute(0)[30:] + minute(1)[:5])
    assert (await sla.judge_minutes(pool)) == sla.Judgement()
    await later(4)
    await sla.judge_minutes(pool)
    assert await states(owner) == [("in", 60, 0, 60)]
    await later(20)
    await sla.judge_minutes(pool)
    assert await states(owner) == [("in", 60, 0, 60), ("unknown", 5, 0, 5)]


async def test_minutes_are_counted_once_and_only_while_they_are_recent(owner: asyncpg.Connection, pool: Pool) -> None:
    await store(owner, minute(0))
    assert await judge_all(pool) == Counter()  # history
    recent = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)
    rows = minute(0, start=recent)
    await store(owner, rows[:30])
    expected = {(SITE, profile, "in"): 1 for profile in ("5qi-82", "remote-crane-control", "video-uplink")}
    assert await judge_all(pool) == expected
    await store(owner, rows[30:])
    assert await judge_all(pool) == Counter()


async def test_minutes_are_checked_by_judging_them_again(owner: asyncpg.Connection, pool: Pool) -> None:
    async def differences() -> list[str]:
        async with owner.transaction(isolation="repeatable_read", readonly=True):
            return await check_derived(owner)

    rows = [*minute(0), *minute(1), *minute(5)]
    await store(owner, rows)
    assert await differences() == []  # marked: the worker will judge them
    await judge_all(pool)
    assert await differences() == []
    change = "UPDATE port.sla_minute SET {} WHERE bucket = $1 AND profile = 'remote-crane-control'"
    await owner.execute(change.format("bad = bad + 1, state = 'out'"), SHIFT)
    (line,) = await differences()
    assert line.endswith(f"{MODEM} 2026-02-28 23:00 remote-crane-control: bad is 1, judged 0; state is out, judged in")
    await owner.execute(change.format("version = 99"), SHIFT)  # by another text: stays as it was judged
    assert await differences() == []
    await owner.execute("DELETE FROM port.sla_minute WHERE bucket = $1", SHIFT)
    assert len(await differences()) == 3
    assert all(line.endswith("its readings are there, the minute is not") for line in await differences())
    # Readings that nothing marked: more than the minute was judged by.
    await judge_all(pool)
    await arrive(owner, minute(5, rtt_ms=99.0))
    assert any("SLA minutes" in line or "bad is 0, judged 60" in line for line in await differences())


async def test_many_minutes_are_judged_in_turns(owner: asyncpg.Connection, pool: Pool) -> None:
    await store(owner, [one for number in range(70) for one in minute(number, step_s=5)])
    await judge_all(pool)
    assert await states(owner) == [("in", 12, 0, 12)] * 70


async def test_the_budget_of_a_shift_and_of_a_month(owner: asyncpg.Connection, pool: Pool) -> None:
    bad = [one for number in (3, 4) for one in minute(number, step_s=5, rtt_ms=99.0)]
    few = minute(7, step_s=20)
    good = [one for number in (0, 1, 2, 5, 9) for one in minute(number, step_s=5)]
    await store(owner, good + bad + few)  # minutes 6 and 8 are missing, 7 says too little
    await judge_all(pool)
    query = "SELECT * FROM kpi.sla_budget_{} WHERE device_id = $1 AND profile = 'remote-crane-control'"
    (shift,) = await owner.fetch(query.format("shift"), MODEM)
    assert (shift["shift"], shift["period_start"], shift["provisional"]) == ("morning", SHIFT, True)
    assert (shift["minutes"], shift["good_minutes"], shift["bad_minutes"], shift["unknown_minutes"]) == (10, 5, 2, 3)
    # 99.99 % of 8 h leaves 2.88 s (domain words 8).
    assert shift["budget_minutes"] * 60 == pytest.approx(2.88)
    assert shift["budget_left_minutes"] == pytest.approx(2.88 / 60 - 2)
    assert shift["budget_left_share"] == pytest.approx(1 - 2 / (2.88 / 60))
    (month,) = await owner.fetch(query.format("month"), MODEM)
    # March of Hai Phong begins at 17:00 UTC: six hours before this shift.
    assert month["period_start"] == datetime(2026, 2, 28, 17, tzinfo=UTC)
    assert (month["minutes"], month["bad_minutes"], month["unknown_minutes"]) == (370, 2, 363)
    assert month["budget_minutes"] == pytest.approx(31 * 1440 * 0.0001)


async def test_budgets_are_the_same_from_hours_as_from_minutes(owner: asyncpg.Connection, pool: Pool) -> None:
    """An hour is stored once another has begun; what comes late for it is counted before it is stored again."""
    good = [one for number in (5, 61) for one in minute(number, step_s=5)]
    await store(owner, minute(3, step_s=5, rtt_ms=99.0) + good)
    await judge_all(pool)
    query = "SELECT * FROM kpi.sla_budget_shift WHERE device_id = $1 ORDER BY profile"
    stored = (
        "SELECT good, bad FROM kpi.sla_hour WHERE device_id = $1 AND bucket = $2 AND profile = 'remote-crane-control'"
    )
    from_minutes = await owner.fetch(query, MODEM)
    assert await owner.fetch(stored, MODEM, SHIFT) == []
    await hours.roll(owner)
    assert [tuple(row) for row in await owner.fetch(stored, MODEM, SHIFT)] == [(1, 1)]
    assert await owner.fetch(query, MODEM) == from_minutes
    await store(owner, minute(4, step_s=5, rtt_ms=99.0))
    await judge_all(pool)
    assert [tuple(row) for row in await owner.fetch(stored, MODEM, SHIFT)] == [(1, 1)]
    restated = await owner.fetch(query, MODEM)
    assert [row["bad_minutes"] for row in restated if row["profile"] == "remote-crane-control"] == [2]
    await hours.roll(owner)
    assert [tuple(row) for row in await owner.fetch(stored, MODEM, SHIFT)] == [(1, 2)]
    assert await owner.fetch(query, MODEM) == restated


async def test_the_reader_reads_budgets_and_profiles(database: Any, owner: asyncpg.Connection) -> None:
    assert await owner.fetchval("SELECT count(*) FROM kpi.sla_profile") == len(load_profiles())
    reader = await asyncpg.connect(database.reader_dsn)
    for name in ("port.sla_minute", "kpi.sla_profile", "kpi.sla_budget_shift", "kpi.sla_budget_month"):
        await reader.fetch(f"SELECT * FROM {name}")
    await reader.close()


async def test_a_profile_never_changes_under_its_version(database: Any) -> None:
    import psycopg

    first = load_profiles()[0]
    with psycopg.connect(database.owner_dsn) as connection:
        sla_profiles.apply_profiles(connection)
        sla_profiles.apply_profiles(connection, [first.model_copy(update={"notes": ("better said",)})])
        with pytest.raises(ConfigurationError, match=f"{first.profile_id}@1"):
            sla_profiles.apply_profiles(connection, [first.model_copy(update={"target": 0.5})])
        sla_profiles.apply_profiles(connection, [first.model_copy(update={"target": 0.5, "version": 2})])
