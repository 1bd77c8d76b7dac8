"""Runs every case beside it: rows of one crane in, and exactly the expected cycles, move gap or box rates out."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.facts.crane_cycle import fold_rows
from streams.facts.crane_moves import move_gaps
from streams.facts.crane_time import crane_time
from streams.facts.intervals import Interval
from streams.facts.productivity import crane_productivity

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/input.json"))
WRITES = os.environ.get("QUAYSTREAM_TEST_WRITE_GOLDEN") == "1"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rows_of_a_crane_become_what_the_case_expects(case: Path) -> None:
    found = outcome_of(json.loads((case / "input.json").read_text(encoding="utf-8")))
    if WRITES:
        (case / "expected.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads((case / "expected.json").read_text(encoding="utf-8"))


def test_every_folder_has_an_input_and_an_expectation() -> None:
    folders = {path for path in Path(__file__).parent.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(CASES)
    assert all((case / "expected.json").exists() for case in CASES)


def outcome_of(case: dict[str, Any]) -> dict[str, Any]:
    rows = {f"port.crane_{name}": [timed(row) for row in found] for name, found in case["rows"].items()}
    window = Interval(*(datetime.fromisoformat(text) for text in case["window"]))
    cycles = [fact.values for fact in fold_rows(case["crane_id"], rows)]
    gap = move_gaps(cycles, rows.get("port.crane_job", []), [window])[0]
    found: dict[str, Any] = {
        "cycles": [{name: plain(value) for name, value in one.items() if name != "state"} for one in cycles],
        "moves": [gap.real_boxes, gap.confirmed_boxes, [*gap.cycles], [*gap.jobs]],
    }
    if "boxes" in case:
        rates = crane_productivity(case["boxes"], crane_time(rows["port.crane_assignment"], window))
        found["delay_min"] = {cause: lost / timedelta(minutes=1) for cause, lost in rates.delay.items()}
        found["gross_net"] = [rates.gross_trade, rates.net_trade]
    return found


def timed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "time": datetime.fromisoformat(row["time"])}


def plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
