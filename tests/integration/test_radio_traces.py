"""Real recordings through Kafka: every row of the field traces lands, and the figures are those of their table."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.support.system import System

TRACES = Path(__file__).parents[1] / "data" / "radio"
AGE = "2000d"  # the recordings are of 2024

# Per trace: rows, first and last event time, then min, max and sum of RSRP (dBm), SINR (dB) and round trip (ms).
TABLE = {
    "urban_n8_v0_run01": (
        (1207, "2024-07-17T07:08:24.086", "2024-07-17T07:09:33.667"),
        (-72, -71, -86127, 4, 7, 6712, 14, 274, 23311),
    ),
    "arterial_n8_v50_run01": (
        (1493, "2024-07-24T07:46:48.513", "2024-07-24T07:47:55.860"),
        (-67, -55, -90638, 7, 11, 14043, 14, 115, 32561),
    ),
    "south_n8_v0_02": (
        (481, "2024-07-18T07:58:14.146", "2024-07-18T07:58:41.129"),
        (-84, -84, -40404, 21, 24, 10353, 15, 1084, 85163),
    ),
    "arterial_n78_v80_run01": (
        (979, "2024-08-02T07:46:11.162", "2024-08-02T07:47:05.088"),
        (-76, -55, -62106, 0, 24, 12567, 13, 271, 18908),
    ),
    "s2w_n78_v50_run02": (
        (317, "2024-07-31T09:18:17.058", "2024-07-31T09:18:34.602"),
        (-84, -77, -25123, 8, 13, 3611, 13, 32, 5219),
    ),
}
FIGURES = """
SELECT min(rsrp_dbm), max(rsrp_dbm), sum(rsrp_dbm), min(sinr_db), max(sinr_db), sum(sinr_db),
       min(rtt_ms), max(rtt_ms), sum(rtt_ms) FROM port.radio_sample WHERE device_id = '{device}'
"""
ROLLED_UP = """
SELECT min(rsrp_dbm_min), max(rsrp_dbm_max), sum(rsrp_dbm_sum), min(sinr_db_min), max(sinr_db_max), sum(sinr_db_sum),
       min(rtt_ms_min), max(rtt_ms_max), sum(rtt_ms_sum) FROM {table} WHERE device_id = '{device}'
"""


@pytest.fixture
def port(system: System) -> System:
    """A system that has taken in every trace."""
    for name in TABLE:
        done = system.command("publish", str(TRACES / f"{name}.txt"), "--map", "cicv5g", max_age=AGE)
        assert done.returncode == 0, done.stderr
    system.workers.ready(max_age=AGE)
    system.verified()
    return system


def test_rows_minutes_and_hours_show_what_was_recorded(port: System) -> None:
    for name, ((rows, first, last), figures) in TABLE.items():
        where = f"device_id = '{device(name)}'"
        span = port.database.rows(f"SELECT count(*), min(time), max(time) FROM port.radio_sample WHERE {where}")
        assert span == [(rows, moment(first), moment(last))], name
        expected = [tuple(map(float, figures))]
        assert port.database.rows(FIGURES.format(device=device(name))) == expected, name
        for table in ("port.radio_minute", "port.radio_hour"):
            assert port.database.rows(ROLLED_UP.format(table=table, device=device(name))) == expected, (name, table)
    minute = port.database.rows(
        "SELECT samples, rsrp_dbm_sum, rtt_ms_max, rtt_ms_sum FROM port.radio_minute "
        f"WHERE device_id = '{device('urban_n8_v0_run01')}' AND bucket = '2024-07-17T07:08Z'"
    )
    assert minute == [(655, -46505.0, 274.0, 13092.0)]
    cells = port.database.rows(
        "SELECT serving_cell, count(*) FROM port.radio_sample "
        f"WHERE device_id = '{device('arterial_n78_v80_run01')}' GROUP BY 1"
    )
    assert dict(cells) == {"5C422503D": 309, "5C42D3015": 238, "5C42D300B": 195, "5C42D301F": 237}


KPIS = """
SELECT kpi_id, value, n FROM kpi.numbers('device', 'period', '2024-07-01', '2024-09-01')
WHERE site = 'VNHPH-DEEPC2' AND asset IS NOT DISTINCT FROM %s
"""


def test_kpis_equal_what_is_computed_from_the_files(port: System) -> None:
    recordings = {name: recording(TRACES / f"{name}.txt") for name in TABLE}
    for name, rows in recordings.items():
        found = {kpi: (value, n) for kpi, value, n in port.database.rows(KPIS, device(name))}
        assert found == {kpi: pytest.approx(pair, rel=1e-12) for kpi, pair in computed([rows]).items()}, name
    found = {kpi: (value, n) for kpi, value, n in port.database.rows(KPIS, None)}
    assert found == {kpi: pytest.approx(pair, rel=1e-12) for kpi, pair in computed(list(recordings.values())).items()}
    # By hour: the longest recording is of one hour, and that is all there is of it.
    hour = port.database.rows(
        "SELECT period_start, n, value FROM kpi.device_hourly WHERE asset = %s AND kpi_id = 'radio_rtt_mean'",
        device("arterial_n8_v50_run01"),
    )
    assert hour == [(moment("2024-07-24T07:00:00"), 1493.0, pytest.approx(32561 / 1493))]
    assert sum(computed([rows])["radio_handovers"][0] for rows in recordings.values()) > 0


def recording(file: Path) -> list[dict[str, str]]:
    """The rows of a trace by the names of its first ten columns, in order of time."""
    header, *lines = file.read_text().splitlines()
    rows = [dict(zip(header.split()[:10], line.split()[:10], strict=True)) for line in lines if line.split()]
    return sorted(rows, key=lambda row: int(row["pub_time(ms)"]))


def computed(recordings: list[list[dict[str, str]]]) -> dict[str, tuple[float, float]]:
    """Value and n of each KPI, by numpy over the text."""
    rtt, rsrp, sinr = (
        np.array([float(row[column]) for rows in recordings for row in rows])
        for column in ("delay(ms)", "rsrp(db)", "sinr(db)")
    )
    changes = sum(a["cellid(db)"] != b["cellid(db)"] for rows in recordings for a, b in pairwise(rows))
    values = {
        "radio_rtt_mean": rtt.mean(),
        "radio_rtt_max": rtt.max(),
        "radio_rtt_p50": np.percentile(rtt, 50),
        "radio_rtt_p99": np.percentile(rtt, 99),
        "radio_rtt_in_budget": 100 * np.mean(rtt <= 30),
        "radio_rsrp_mean": rsrp.mean(),
        "radio_sinr_mean": sinr.mean(),
        "radio_handovers": changes,
    }
    return {kpi: (float(value), float(len(rtt))) for kpi, value in values.items()}


def device(name: str) -> str:
    return f"VNHPH-DEEPC2-{name.upper()}"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
