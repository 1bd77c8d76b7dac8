"""The published radio traces, from their files to the database: every row, its numbers, and nothing twice."""

from pathlib import Path

import pytest

from tests.support.system import System

TRACES = sorted((Path(__file__).parent.parent / "data" / "radio").glob("*.txt"))
# The traces are of 2024: the worker and the publisher are told to take events that old.
MAX_AGE = "36500d"

# Rows, sums of RSRP, SINR and round trip, and the longest round trip, counted with another program.
FACTS = {
    "ARTERIAL_N78_V80_RUN01": (979, -62106, 12567, 18908, 271),
    "ARTERIAL_N8_V50_RUN01": (1493, -90638, 14043, 32561, 115),
    "S2W_N78_V50_RUN02": (317, -25123, 3611, 5219, 32),
    "SOUTH_N8_V0_02": (481, -40404, 10353, 85163, 1084),
    "URBAN_N8_V0_RUN01": (1207, -86127, 6712, 23311, 274),
}
RAW = "count(*), sum(rsrp_dbm), sum(sinr_db), sum(rtt_ms), max(rtt_ms)"
MINUTES = "sum(samples), sum(rsrp_dbm_sum), sum(sinr_db_sum), sum(rtt_ms_sum), max(rtt_ms_max)"
# The minute that a recording begins in.
FIRST_MINUTE = """
SELECT samples, rsrp_dbm_sum, rtt_ms_max, rtt_ms_sum FROM port.radio_minute
WHERE device_id = 'VNHPH-DEEPC2-URBAN_N8_V0_RUN01' AND bucket = '2024-07-17T07:08Z'
"""

pytestmark = pytest.mark.timeout(180)


def publish(system: System, *arguments: str) -> None:
    for trace in TRACES:
        done = system.command("publish", str(trace), "--map", "cicv5g", *arguments, max_age=MAX_AGE)
        assert done.returncode == 0, done.stderr


def stored(system: System, columns: str, table: str) -> dict[str, tuple[int, ...]]:
    rows = system.database.rows(f"SELECT device_id, {columns} FROM {table} GROUP BY device_id")
    return {device.removeprefix("VNHPH-DEEPC2-"): tuple(map(int, numbers)) for device, *numbers in rows}


def test_every_row_is_stored_and_rolled_up_and_publishing_again_stores_nothing_new(system: System) -> None:
    publish(system)
    publish(system)
    system.workers.ready(max_age=MAX_AGE)
    ledger = system.verified()
    rows = sum(facts[0] for facts in FACTS.values())
    outcomes = [ledger.total(outcome) for outcome in ("accepted", "duplicate", "rejected")]
    assert outcomes == [rows, rows, 0]
    assert stored(system, RAW, "port.radio_sample") == FACTS
    assert stored(system, MINUTES, "port.radio_minute") == FACTS
    assert system.database.rows("SELECT DISTINCT jsonb_typeof(extra -> 'velocity_mps') FROM port.radio_sample") == [
        ("number",)
    ]
    assert system.database.rows(FIRST_MINUTE) == [(655, -46505, 274, 13092)]


def test_traces_shifted_to_now_need_no_setting_and_lack_no_number(system: System) -> None:
    publish(system, "--shift-to", "now")
    system.workers.ready()
    ledger = system.verified()
    assert ledger.total("accepted") == sum(facts[0] for facts in FACTS.values())
    assert stored(system, RAW, "port.radio_sample") == FACTS
    assert system.database.total("ingest.sequence_gap") == 0


def test_traces_older_than_the_worker_takes_are_dead_letters_that_a_replay_brings_in(system: System) -> None:
    publish(system)
    refusing = system.workers.ready(max_age="30d")
    rows = sum(facts[0] for facts in FACTS.values())
    assert system.verified().total("rejected") == rows
    refusing.stop()
    system.workers.ready(max_age=MAX_AGE)
    replayed = system.command("dead-letters", "replay", "--reason", "too_old", "--yes")
    assert replayed.stdout == f"Replayed {rows}.\n"
    ledger = system.verified()
    assert (ledger.total("rejected"), ledger.total("accepted")) == (rows, rows)
    assert stored(system, RAW, "port.radio_sample") == FACTS
    assert stored(system, MINUTES, "port.radio_minute") == FACTS
