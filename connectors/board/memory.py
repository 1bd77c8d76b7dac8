"""What the board remembers between two looks: the newest row of each asset, when it was heard, how far the ledger was.

Pure: `remember` makes a new memory from the one before and the answers of a look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

Row = Mapping[str, Any]
Answers = Mapping[str, Sequence[Row]]
MINUTE: Final = timedelta(minutes=1)
MINUTES: Final = ("crane_minute", "gate_minute", "radio_minute")


@dataclass(frozen=True, slots=True)
class Memory:
    """By asset, and faults by asset and code. `records_per_s` is None until there are two looks to compare."""

    status: Mapping[str, Row] = field(default_factory=dict)
    faults: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    minutes: Mapping[str, Row] = field(default_factory=dict)
    heard: Mapping[str, datetime] = field(default_factory=dict)
    pipeline: Row | None = None
    records_per_s: float | None = None


def remember(before: Memory, answers: Answers) -> Memory:
    """The memory after a look."""
    pipeline = answers["pipeline"][0]
    at: datetime = pipeline["at"]
    minutes, heard = dict(before.minutes), dict(before.heard)
    for row in (row for name in MINUTES for row in answers[name]):
        asset = row["asset_id"]
        known = minutes.get(asset)
        if known is None or row["bucket"] >= known["bucket"]:
            heard[asset] = _heard(known, row, at, heard.get(asset))
            minutes[asset] = row
    status = dict(before.status)
    for row in answers["status"]:
        status[row["asset_id"]] = _newer(status.get(row["asset_id"]), row)
    faults = dict(before.faults)
    for row in answers["fault"]:
        key = row["asset_id"], row["code"]
        faults[key] = _newer(faults.get(key), row)
    for row in (*answers["status"], *answers["fault"]):
        asset, told = row["asset_id"], min(row["time"], at)
        heard[asset] = max(heard.get(asset, told), told)
    return Memory(status, faults, minutes, heard, pipeline, _rate(before, pipeline))


def _heard(known: Row | None, row: Row, at: datetime, heard: datetime | None) -> datetime:
    """When its newest event happened. A minute that has just grown did so now or, once it is over, at its end.

    Of a minute seen for the first time only its start is certain: better too old than too fresh.
    """
    bucket: datetime = row["bucket"]
    if known is None:
        return bucket
    if (known["bucket"], known["samples"]) == (bucket, row["samples"]) and heard is not None:
        return heard
    return min(at, bucket + MINUTE)


def _newer(known: Row | None, row: Row) -> Row:
    return row if known is None or row["time"] >= known["time"] else known


def _rate(before: Memory, now: Row) -> float | None:
    was = before.pipeline
    if was is None:
        return None
    elapsed_s = (now["at"] - was["at"]).total_seconds()
    if elapsed_s <= 0:
        return before.records_per_s
    return float(max(0.0, (_outcomes(now) - _outcomes(was)) / elapsed_s))


def _outcomes(row: Row) -> int:
    return int(row["accepted"] + row["duplicate"] + row["rejected"])
