"""The visits of one container to one site, from its milestones: how long it stayed, and whom it waited for.

A container comes back, so its milestones are split. A visit begins with `discharged` or `gated_in` when the one before
has left (`gated_out`, `loaded`; `restowed` for a box that never came ashore), or came so long before that it must have
left unseen. Anything else up to a day after the leaving still belongs to the visit that left (a release told late);
later it is about the next one (cleared before it arrives). Only event times decide, never the order of arrival.

A visit's id is `<site>/<equipment_reference>/<ms of its arrival>`, or of its first milestone while no arrival is known:
late milestones of any other kind leave it as it is. An ordinal would rename every later visit whenever an earlier one
turns up.

`flow` is how it came and left: `import` (ship, land), `export` (land, ship), `transhipment` (ship, ship), `landside`
(land, land), `restow` (stayed aboard); while it is here, discharged counts as import and gated in as export.
`cargo_class` is `empty` or `reefer` (ISO 6346 type group R) where it is one, else the flow.
`dwell_s` is from arrival to leaving (TIC4.0 p. 887554147). `cleared_at` is the last clearance, null while somebody has
asked and not cleared. `outcome`: `complete`, `gated_out_unreleased` (out before any release: an anomaly, domain words
12.1), `no_arrival` (left without having been seen arriving), `open`, `incomplete` (left unseen: it came again, or
nothing was heard for longer than the patience).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from schemas.facts import CARGO_VISIT, CargoClass, CargoFlow, CargoOutcome
from streams.facts.agencies import ASKS, Waiting, waiting_of
from streams.facts.fact import Fact, Row, Rows
from streams.facts.order import epoch_ms, is_past, seconds, seconds_between, told_once

PATIENCE: Final = timedelta(days=30)
_REPEATED: Final = timedelta(hours=6)  # an arrival told again within this is the same arrival
_AFTERWARDS: Final = timedelta(hours=24)
_ORDER: Final = ("discharged", "gated_in", "restowed", "stacked", "clearance", "released", "loaded", "gated_out")
_RANKS: Final = {name: 2 * rank for rank, name in enumerate(_ORDER)}
_SAME: Final = ("milestone", "agency", "status", "call_id", "iso_equipment_code", "empty")
_ARRIVES: Final = ("discharged", "gated_in")
_LEAVES: Final = ("gated_out", "loaded")
_FLOWS: Final[Mapping[tuple[str | None, str | None], CargoFlow]] = {
    ("discharged", "loaded"): "transhipment",
    ("gated_in", "gated_out"): "landside",
    ("gated_in", "loaded"): "export",
    ("gated_in", None): "export",
    (None, "loaded"): "export",
    (None, "restowed"): "restow",
}


def fold(key: str, rows: Rows, as_of: datetime, patience: timedelta = PATIENCE) -> list[Fact]:
    """Every visit of `<site>/<equipment_reference>` from its rows of `port.cargo_milestone`, the earliest first."""
    told = told_once(rows.get("port.cargo_milestone", ()), _SAME, _rank)
    visits = _split(told)
    return [
        _fact(key, visit, is_closed=visit is not visits[-1] or is_past(patience, visit[-1]["time"], as_of))
        for visit in visits
    ]


def _rank(row: Row) -> int:
    """At one moment, who asks does so before who clears."""
    asks = row["milestone"] == "clearance" and row["status"] in ASKS
    return _RANKS[row["milestone"]] - asks


def _split(rows: Iterable[Row]) -> list[list[Row]]:
    visits: list[list[Row]] = []
    arrived_at: datetime | None = None
    left_at: datetime | None = None
    for row in rows:
        if not visits or _begins(row, arrived_at, left_at):
            visits.append([])
            arrived_at = left_at = None
        visits[-1].append(row)
        arrived_at, left_at = _moved(row, arrived_at, left_at)
    return visits


def _begins(row: Row, arrived_at: datetime | None, left_at: datetime | None) -> bool:
    """Whether a row belongs to the visit after the one that arrived and left then.

    Not within the millisecond of the leaving: ids tell visits apart by their milliseconds.
    """
    if row["milestone"] not in _ARRIVES:
        return left_at is not None and row["time"] - left_at >= _AFTERWARDS
    if left_at is not None:
        return epoch_ms(row["time"]) > epoch_ms(left_at)
    return arrived_at is not None and row["time"] - arrived_at >= _REPEATED


def _moved(row: Row, arrived_at: datetime | None, left_at: datetime | None) -> tuple[datetime | None, datetime | None]:
    milestone = row["milestone"]
    if milestone in _ARRIVES:
        arrived_at = arrived_at or row["time"]
    elif milestone in _LEAVES or (milestone == "restowed" and arrived_at is None):
        left_at = left_at or row["time"]
    return arrived_at, left_at


def _fact(key: str, visit: Sequence[Row], *, is_closed: bool) -> Fact:
    site, _, container = key.partition("/")
    arrival = next((row for row in visit if row["milestone"] in _ARRIVES), None)
    leaving = next((row for row in visit if row["milestone"] in _LEAVES), None)
    first_at, last_at = visit[0]["time"], visit[-1]["time"]
    anchor: datetime = arrival["time"] if arrival else first_at
    waiting = waiting_of(visit, anchor, leaving["time"] if leaving else last_at)
    flow = _flow(visit, arrival, leaving)
    visit_id = f"{key}/{epoch_ms(anchor)}"
    values: dict[str, Any] = {
        "cargo_visit_id": visit_id,
        "equipment_reference": container,
        "site": site,
        "call_id": _call_id(visit),
        "cargo_class": _class(visit, flow),
        "flow": flow,
        **_times(visit, waiting),
        "dwell_s": seconds_between(arrival["time"], leaving["time"]) if arrival and leaving else None,
        "wait_s_by_agency": {agency: seconds(us) for agency, us in waiting.us_by_agency.items()},
        "agency_wait_s": seconds(waiting.us),
        "first_at": first_at,
        "last_at": last_at,
    }
    values["outcome"] = _outcome(visit, is_arrived=arrival is not None, is_closed=is_closed)
    return Fact(CARGO_VISIT.kind, visit_id, values)


def _times(visit: Sequence[Row], waiting: Waiting) -> dict[str, datetime | None]:
    return {
        "discharged_at": _first(visit, "discharged"),
        "stacked_at": _first(visit, "stacked"),
        "cleared_at": waiting.cleared_at,
        "released_at": _first(visit, "released"),
        "gated_in_at": _first(visit, "gated_in"),
        "gated_out_at": _first(visit, "gated_out"),
        "loaded_at": _first(visit, "loaded"),
    }


def _flow(visit: Sequence[Row], arrival: Row | None, leaving: Row | None) -> CargoFlow:
    came = arrival["milestone"] if arrival else None
    left = leaving["milestone"] if leaving else None
    if came is None and left is None and _first(visit, "restowed"):
        left = "restowed"
    return _FLOWS.get((came, left), "import")


def _class(visit: Sequence[Row], flow: CargoFlow) -> CargoClass:
    if _last(visit, "empty"):
        return "empty"
    iso_code = _last(visit, "iso_equipment_code") or ""
    return "reefer" if iso_code[2:3].upper() == "R" else flow


def _call_id(visit: Sequence[Row]) -> str | None:
    """The call it came by, else the one it leaves by, else any that was named."""
    named = [row for row in visit if row["call_id"]]
    by_ship = [row for row in named if row["milestone"] in ("discharged", "loaded")]
    return next((row["call_id"] for row in by_ship or named), None)


def _outcome(visit: Sequence[Row], *, is_arrived: bool, is_closed: bool) -> CargoOutcome:
    gated_out_at, released_at = _first(visit, "gated_out"), _first(visit, "released")
    if gated_out_at and (released_at > gated_out_at if released_at else is_arrived):
        return "gated_out_unreleased"
    if gated_out_at or _first(visit, "loaded"):
        return "complete" if is_arrived else "no_arrival"
    if _first(visit, "restowed") and not is_arrived:
        return "complete"
    return "incomplete" if is_closed else "open"


def _first(visit: Sequence[Row], milestone: str) -> datetime | None:
    return next((row["time"] for row in visit if row["milestone"] == milestone), None)


def _last(visit: Sequence[Row], column: str) -> Any:
    """What was said of it last."""
    return next((row[column] for row in reversed(visit) if row[column] is not None), None)
