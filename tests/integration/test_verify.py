"""The ledger adds up on a small consistent port, and each way of damaging it is found and named."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from connectors.timescale.ledger import Ledger, read_ledger
from connectors.timescale.reset import reset_offsets
from connectors.timescale.truth_check import check_truth, read_truth

pytestmark = pytest.mark.asyncio

LEDGER = Path(__file__).parents[1] / "data" / "ledger"
PORT = (LEDGER / "port.sql").read_text()
TRUTH = LEDGER / "truth.json"


@pytest_asyncio.fixture
async def port(database: Any) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the owner to a database whose ledger adds up."""
    connection = await asyncpg.connect(database.owner_dsn, server_settings={"timezone": "UTC"})
    await connection.execute(PORT)
    yield connection
    await connection.close()


async def ledger_after(port: asyncpg.Connection, change: str) -> Ledger:
    await port.execute(change)
    return await read_ledger(port)


async def test_a_consistent_port_adds_up(port: asyncpg.Connection) -> None:
    ledger = await read_ledger(port)
    assert ledger.differences == ()
    answer = ledger.as_json()
    assert answer["ok"]
    assert answer["partitions"][1] == {
        "topic": "crane-events",
        "partition": 0,
        "first_offset": 100,
        "next_offset": 110,
        "accepted": 4,
        "duplicate": 3,
        "rejected": 1,
        "missing": 2,
        "difference": 0,
    }


DAMAGE = {
    "a record has no outcome": (
        "UPDATE ingest.partition_offset SET next_offset = 111 WHERE partition = 0",
        ["crane-events[0]: offsets 100..111 have 11 records, their outcomes add up to 10"],
    ),
    "a row is gone": (
        "DELETE FROM port.gate_step WHERE event_id = 'd'",
        ["gate-events[1]: 4 accepted, but 3 records have rows", "port.gate_minute", "steps is 3, recomputed 2"],
    ),
    "a dead letter is gone": (
        "DELETE FROM ingest.dead_letter",
        ["crane-events[0]: 1 rejected, but 0 dead letters"],
    ),
    "a lost range is gone": (
        "DELETE FROM ingest.lost_range",
        ["crane-events[0]: 2 missing, but 0 offsets in lost ranges"],
    ),
    "a record is accepted and rejected": (
        "UPDATE ingest.dead_letter SET record_offset = 102",
        ["crane-events[0] offset 102: both in port.crane_sample and a dead letter"],
    ),
    "a batch is stored twice": (
        "INSERT INTO port.gate_step SELECT * FROM port.gate_step WHERE event_id = 'd'",
        ["port.gate_step: gate-events[1] offset 0 is stored 2 times"],
    ),
    "a repeat is not recognised": (
        (
            "UPDATE port.gate_step AS g SET event_id = 'd', time = d.time FROM port.gate_step AS d "
            "WHERE d.event_id = 'd' AND g.event_id = 'e'"
        ),
        ["port.gate_step: event /gw d is stored 2 times"],
    ),
    "a row is beyond the fence": (
        "UPDATE port.radio_sample SET record_offset = 3",
        ["cell-events[2]: port.radio_sample has offset 3, the fence is at 3"],
    ),
    "rows without a fence": (
        "DELETE FROM ingest.partition_offset WHERE topic = 'cell-events'",
        ["cell-events[2]: has stored records but no row in ingest.partition_offset"],
    ),
    "two consumer groups": (
        """
        INSERT INTO ingest.partition_offset (consumer_group, topic, partition, first_offset, next_offset)
        VALUES ('second', 'vessel-events', 0, 0, 0)
        """,
        ["one database has one consumer group, this one has quaystream, second"],
    ),
    "a minute counts twice": (
        "UPDATE port.crane_minute SET samples = 4 WHERE samples = 2",
        ["port.crane_minute 2026-01-01 08:00:00+00 S-C1 S: samples is 4, recomputed 2", "port.crane_hour"],
    ),
    "a minute is not there": (
        "DELETE FROM port.radio_minute",
        ["port.radio_minute 2026-01-01 08:00:00+00 S-D1 S: has no row", "port.radio_hour", "nothing it could be"],
    ),
    "a minute of nothing": (
        "INSERT INTO port.gate_minute SELECT bucket, gate_id, site, 'IN2' FROM port.gate_minute",
        ["port.gate_minute 2026-01-01 08:00:00+00 S-G1 S IN2: has a row, but nothing it could be the sum of"],
    ),
    "a minimum is wrong": (
        "UPDATE port.cell_minute SET value_si_min = 5 WHERE value_si_min = 4",
        ["value_si_min is 5.0, recomputed 4.0"],
    ),
    "an hour missed a minute": (
        "UPDATE port.crane_hour SET wind_mps_max = 3 WHERE samples = 3",
        ["port.crane_hour 2026-01-01 08:00:00+00 S-C1 S: wind_mps_max is 3.0, recomputed 5.0"],
    ),
    "a sum is off by more than rounding": (
        "UPDATE port.crane_minute SET power_kw_sum = power_kw_sum * (1 + 1e-8) WHERE samples = 2",
        ["power_kw_sum is 34.7500003475, recomputed 34.75"],
    ),
}


HISTORY = """
UPDATE ingest.partition_offset SET topic = 'crane-events-backfill' WHERE topic = 'crane-events' AND partition = 0;
UPDATE ingest.dead_letter SET topic = 'crane-events-backfill' WHERE topic = 'crane-events' AND partition = 0;
UPDATE ingest.lost_range SET topic = 'crane-events-backfill' WHERE topic = 'crane-events' AND partition = 0;
UPDATE port.crane_sample SET partition = -1 WHERE partition = 0;
UPDATE port.crane_status SET partition = -1 WHERE partition = 0;
UPDATE port.crane_fault SET partition = -1 WHERE partition = 0;
UPDATE port.crane_job SET partition = -1 WHERE partition = 0;
UPDATE port.crane_assignment SET partition = -1 WHERE partition = 0;
"""
DAMAGE_TO_HISTORY = {
    "a record is accepted and rejected": (
        "UPDATE ingest.dead_letter SET record_offset = 102",
        ["crane-events-backfill[0] offset 102: both in port.crane_sample and a dead letter"],
    ),
    "a row lost its topic": (
        "UPDATE port.crane_sample SET partition = 0 WHERE record_offset = 102",
        ["crane-events[0]: has stored records but no row in ingest.partition_offset"],
    ),
    "a row is beyond the fence": (
        "UPDATE port.crane_sample SET record_offset = 110 WHERE record_offset = 102",
        ["crane-events-backfill[0]: port.crane_sample has offset 110, the fence is at 110"],
    ),
}


async def test_history_adds_up_like_live_events(port: asyncpg.Connection) -> None:
    ledger = await ledger_after(port, HISTORY)
    assert ledger.differences == ()
    assert {line.topic for line in ledger.partitions} >= {"crane-events-backfill", "gate-events"}


@pytest.mark.parametrize("what", DAMAGE_TO_HISTORY)
async def test_damage_to_history_is_named(port: asyncpg.Connection, what: str) -> None:
    change, named = DAMAGE_TO_HISTORY[what]
    differences = (await ledger_after(port, HISTORY + change)).differences
    assert [text for text in named if not any(text in difference for difference in differences)] == []


async def test_a_dead_letter_of_history_is_not_that_of_a_live_record_with_its_number(port: asyncpg.Connection) -> None:
    await port.execute(HISTORY)
    # The same partition and offset as an accepted record of history, in the event topic.
    await port.execute(
        "UPDATE ingest.dead_letter SET topic = 'crane-events', record_offset = 102;"
        "UPDATE ingest.partition_offset SET next_offset = next_offset - 1, rejected = 0 WHERE topic = 'crane-events-backfill';"
        "INSERT INTO ingest.partition_offset (consumer_group, topic, partition, first_offset, next_offset, rejected) "
        "VALUES ('quaystream', 'crane-events', 0, 102, 103, 1)"
    )
    assert [d for d in (await read_ledger(port)).differences if "dead letter" in d] == []


@pytest.mark.parametrize("what", DAMAGE)
async def test_damage_is_found_and_named(port: asyncpg.Connection, what: str) -> None:
    change, expected = DAMAGE[what]
    said = "\n".join((await ledger_after(port, change)).differences)
    for text in expected:
        assert text in said


async def test_a_sum_may_differ_by_rounding(port: asyncpg.Connection) -> None:
    for table in ("port.crane_minute", "port.crane_hour"):
        await port.execute(f"UPDATE {table} SET power_kw_sum = power_kw_sum * (1 + 1e-10)")
    assert (await read_ledger(port)).ok


async def test_many_differing_rows_are_counted_not_listed(port: asyncpg.Connection) -> None:
    ledger = await ledger_after(
        port,
        "INSERT INTO port.gate_minute SELECT bucket, gate_id, site, 'L' || i FROM port.gate_minute, generate_series(1, 20) i",
    )
    of_minutes = [difference for difference in ledger.differences if difference.startswith("port.gate_minute")]
    assert len(of_minutes) == 4
    assert of_minutes[-1] == "port.gate_minute: 17 more rows differ"


async def test_a_run_is_what_its_truth_says(port: asyncpg.Connection) -> None:
    assert (await check_truth(port, read_truth(TRUTH))).differences == ()


async def test_a_run_sent_twice_is_judged_as_one(port: asyncpg.Connection) -> None:
    await port.execute("INSERT INTO ingest.dead_letter SELECT * FROM ingest.dead_letter")
    await port.execute("UPDATE ingest.source_tally SET duplicate = duplicate + 14 WHERE source = '/gw'")
    assert (await check_truth(port, read_truth(TRUTH))).differences == ()


async def test_a_replayed_dead_letter_is_not_a_second_one(port: asyncpg.Connection) -> None:
    replay = json.dumps([["qs-run", "UlVO"], ["qs-replay-of", base64.b64encode(b"crane-events/0/103").decode()]])
    await port.execute(
        "INSERT INTO ingest.dead_letter (topic, partition, record_offset, reason, headers, payload) "
        "VALUES ('crane-events', 0, 106, 'undecodable', $1, 'x')",
        replay,
    )
    assert (await check_truth(port, read_truth(TRUTH))).differences == ()


async def test_a_minute_that_another_source_fed_is_judged_by_the_run_s_rows(port: asyncpg.Connection) -> None:
    await port.execute("UPDATE port.crane_sample SET time = '2026-01-01 08:00:20Z' WHERE source = '/other'")
    await port.execute("UPDATE port.crane_minute SET samples = 3 WHERE samples = 2")
    assert (await check_truth(port, read_truth(TRUTH))).differences == ()


AGAINST_TRUTH = {
    "a row is missing": (
        "DELETE FROM port.gate_step WHERE event_id = 'd'",
        ["port.gate_step has 2 rows of this run's sources, expected 3"],
    ),
    "a record was not accepted": (
        "UPDATE ingest.source_tally SET accepted = 9 - 4 - 3 WHERE domain = 'crane' AND source = '/gw'",
        ["9 records accepted, expected 10"],
    ),
    "a repeat was accepted": (
        "UPDATE ingest.source_tally SET duplicate = 2 WHERE domain = 'crane'",
        ["duplicates, expected at least 3"],
    ),
    "another reason": (
        "UPDATE ingest.dead_letter SET reason = 'invalid_data'",
        ["1 different records rejected as invalid_data, expected 0", "0 different records rejected as undecodable"],
    ),
    "a minute is wrong": (
        "UPDATE port.crane_minute SET load_t_sum = 30 WHERE samples = 2",
        ["port.crane_minute 2026-01-01T08:00:00+00:00 S-C1: load_t_sum is 30.0, expected 30.3"],
    ),
    "a minute is missing": (
        "DELETE FROM port.gate_minute",
        ["port.gate_minute 2026-01-01T08:00:00+00:00 S-G1 IN1: is missing"],
    ),
    "a minute too many": (
        "UPDATE port.radio_sample SET time = time + INTERVAL '5 minutes'",
        ["port.radio_minute 2026-01-01T08:05:00+00:00 S-D1: is not expected, but the run's rows make it"],
    ),
    "a number is missing": (
        """
        INSERT INTO ingest.sequence_gap (stream_id, source, bootid, subject, type, from_sequence, to_sequence)
        VALUES (gen_random_uuid(), '/gw', 'b', 'S-C1', 't', 4, 6)
        """,
        ["3 sequence numbers are missing, expected 0"],
    ),
}


@pytest.mark.parametrize("what", AGAINST_TRUTH)
async def test_what_is_not_as_the_truth_says_is_named(port: asyncpg.Connection, what: str) -> None:
    change, expected = AGAINST_TRUTH[what]
    await port.execute(change)
    said = "\n".join((await check_truth(port, read_truth(TRUTH))).differences)
    for text in expected:
        assert text in said


async def test_numbers_in_dead_letters_are_not_missing(port: asyncpg.Connection) -> None:
    await port.execute(AGAINST_TRUTH["a number is missing"][0])
    await port.execute(
        "INSERT INTO ingest.dead_letter (topic, partition, record_offset, reason, source, bootid, subject, type, sequence) "
        "SELECT 'crane-events', 0, 200 + i, 'too_old', '/gw', 'b', 'S-C1', 't', i FROM generate_series(4, 6) AS i"
    )
    assert (await check_truth(port, read_truth(TRUTH))).differences == ()


async def test_a_reset_partition_still_adds_up(port: asyncpg.Connection) -> None:
    assert await reset_offsets(port, "quaystream", "crane-events", {0: 0, 7: 0}) == [0]
    ledger = await read_ledger(port)
    assert ledger.differences == ()
    assert (ledger.partitions[1].first_offset, ledger.partitions[1].next_offset, ledger.partitions[1].accepted) == (
        0,
        0,
        0,
    )


async def test_a_topic_created_again_reuses_offsets_and_still_adds_up(port: asyncpg.Connection) -> None:
    await reset_offsets(port, "quaystream", "crane-events", {0: 100})
    await port.execute(
        "INSERT INTO port.crane_status (time, crane_id, site, source, event_id, partition, record_offset, status) "
        "VALUES ('2026-01-01 10:00Z', 'S-C1', 'S', '/gw', 'new', 0, 100, 'on')"
    )
    await port.execute(
        "INSERT INTO ingest.dead_letter (topic, partition, record_offset, reason) VALUES ('crane-events', 0, 101, 'too_old')"
    )
    await port.execute(
        "UPDATE ingest.partition_offset SET next_offset = 102, accepted = 1, rejected = 1 WHERE topic = 'crane-events'"
    )
    assert (await read_ledger(port)).differences == ()


async def test_a_reset_fences_the_worker_that_had_the_partition(port: asyncpg.Connection) -> None:
    before = await port.fetchval("SELECT epoch FROM ingest.partition_offset WHERE topic = 'crane-events'")
    await reset_offsets(port, "quaystream", "crane-events", {0: 110})
    after = await port.fetchval("SELECT epoch FROM ingest.partition_offset WHERE topic = 'crane-events'")
    assert after == before + 1
