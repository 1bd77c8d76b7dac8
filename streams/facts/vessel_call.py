"""One ship's call from its milestones: when what happened, and how long waiting, berth, cargo and turnaround took.

Only actual times (`ACT`) make the columns. Estimates, plans and requests are kept for reference in `expected`, by
milestone and classifier the one told last: `{"berth_arrival": {"PLN": {"told_at": …, "expected_time": …}}}`.
Of a beginning told twice the first counts, of an end the last: a ship that shifts berths has one stay.

Durations (domain words 11.3): `wait_s` anchored → berth arrival (IFI H-95); `berth_s` berth arrival → berth departure;
`cargo_s` first → last lift; `turnaround_s` first line → last line (TIC4.0 p. 1278050306); `port_s` pilot station or
anchorage, the earlier, → berth departure (CPPI). A missing end is never replaced by another milestone.

`outcome`: `complete` (departed from the berth, or sailed), `no_arrival` (departed without having been seen arriving),
`clock_skew` (departed before it arrived: that duration is null), `open`, and for calls not heard of for longer than
the patience `incomplete`, or `never_arrived` where nothing ever became actual.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

from schemas.events.vessel import VesselMilestone
from schemas.facts import VESSEL_CALL, VesselOutcome
from streams.facts.fact import Fact, Row, Rows
from streams.facts.order import is_past, seconds_between, told_once

PATIENCE: Final = timedelta(days=14)
_MILESTONES: Final = get_args(VesselMilestone.model_fields["milestone"].annotation)
_RANKS: Final = {name: rank for rank, name in enumerate(_MILESTONES)}
_SAME: Final = ("milestone", "classifier", "imo", "berth", "expected_time")
_ACTUAL: Final = "ACT"
# Column: milestone, and whether it is a beginning (0, the first counts) or an end (-1, the last).
_COLUMNS: Final[Mapping[str, tuple[str, int]]] = {
    "pilot_station_at": ("pilot_station_arrival", 0),
    "anchored_at": ("anchored", 0),
    "first_line_at": ("first_line", 0),
    "berthed_at": ("berth_arrival", 0),
    "cargo_started_at": ("cargo_started", 0),
    "cargo_completed_at": ("cargo_completed", -1),
    "last_line_at": ("last_line", -1),
    "departed_at": ("berth_departure", -1),
    "sailed_at": ("sailed", -1),
}
_ARRIVED: Final = ("first_line", "berth_arrival", "all_fast")


def fold(key: str, rows: Rows, as_of: datetime, patience: timedelta = PATIENCE) -> list[Fact]:
    """The call `<site>/<call_id>` from its rows of `port.vessel_milestone`; none without rows."""
    told = told_once(rows.get("port.vessel_milestone", ()), _SAME, lambda row: _RANKS[row["milestone"]])
    if not told:
        return []
    site, _, call_id = key.partition("/")
    actual = [row for row in told if row["classifier"] == _ACTUAL]
    times = {column: _time(actual, *which) for column, which in _COLUMNS.items()}
    values: dict[str, Any] = {
        "call_id": call_id,
        "imo": (actual or told)[-1]["imo"],
        "site": site,
        "berth": _berth(told, actual),
        **times,
        **_durations(times),
        "expected": _expected(told),
        "first_at": told[0]["time"],
        "last_at": told[-1]["time"],
    }
    values["outcome"] = _outcome(times, actual, is_closed=is_past(patience, told[-1]["time"], as_of))
    return [Fact(VESSEL_CALL.kind, call_id, values)]


def _time(actual: Sequence[Row], milestone: str, which: int) -> datetime | None:
    times = [row["time"] for row in actual if row["milestone"] == milestone]
    return times[which] if times else None


def _durations(times: Mapping[str, datetime | None]) -> dict[str, float | None]:
    came = [at for at in (times["pilot_station_at"], times["anchored_at"]) if at is not None]
    return {
        "wait_s": seconds_between(times["anchored_at"], times["berthed_at"]),
        "berth_s": seconds_between(times["berthed_at"], times["departed_at"]),
        "cargo_s": seconds_between(times["cargo_started_at"], times["cargo_completed_at"]),
        "turnaround_s": seconds_between(times["first_line_at"], times["last_line_at"]),
        "port_s": seconds_between(min(came, default=None), times["departed_at"]),
    }


def _berth(told: Sequence[Row], actual: Sequence[Row]) -> str | None:
    """Where it arrived, else where it was last said to be, else where it was last said to come to."""
    arrivals = [row for row in actual if row["milestone"] == "berth_arrival"]
    for rows in (arrivals, actual, told):
        berth = next((row["berth"] for row in reversed(rows) if row["berth"]), None)
        if berth:
            return str(berth)
    return None


def _expected(told: Sequence[Row]) -> dict[str, dict[str, dict[str, str | None]]]:
    """The latest estimate, plan and request of each milestone; `expected_time` where the source gives one."""
    found: dict[str, dict[str, dict[str, str | None]]] = {}
    for row in told:
        if row["classifier"] != _ACTUAL:
            said = {"told_at": _text(row["time"]), "expected_time": _text(row.get("expected_time"))}
            found.setdefault(row["milestone"], {})[row["classifier"]] = said
    return {milestone: dict(sorted(kinds.items())) for milestone, kinds in sorted(found.items())}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _outcome(times: Mapping[str, datetime | None], actual: Sequence[Row], *, is_closed: bool) -> VesselOutcome:
    gone_at = times["departed_at"] or times["sailed_at"]
    if gone_at is None and not is_closed:
        return "open"
    if gone_at is None:
        return "incomplete" if actual else "never_arrived"
    arrived = [row["time"] for row in actual if row["milestone"] in _ARRIVED]
    if not arrived:
        return "no_arrival"
    return "clock_skew" if gone_at < arrived[0] else "complete"
