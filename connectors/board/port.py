"""From answers and memory to the port as it stands. Pure: the time is the database's, out of the answers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from connectors.board.memory import Answers, Memory, Row
from connectors.board.sla import Judged, judged_minutes
from schemas.board import (
    SILENT_S,
    WINDOW_MINUTES,
    Alarm,
    Call,
    Completeness,
    Crane,
    CraneStatus,
    Device,
    Fault,
    Gate,
    Pipeline,
    Port,
    Site,
)

T = TypeVar("T")
LEAST_MINUTES: Final = 10
MOST_ALARMS: Final = 50
SILENT: Final = timedelta(seconds=SILENT_S)
NOBODY_KNOWS: Final = Completeness(value=None, received=None, expected=None)
_RANKS: Final[Mapping[Any, int]] = {
    name: rank for rank, name in enumerate(("critical", "error", "major", "minor", "warning", "info"))
}


def port_of(memory: Memory, answers: Answers) -> Port:
    """The whole port. An asset whose site nobody declared is at a site that is called by its id."""
    assert memory.pipeline is not None  # noqa: S101  (remembered before it is asked for)
    tables = {name: _by_asset(answers[name]) for name in _BY_ASSET}
    now = _Now(memory.pipeline["at"], memory, tables, judged_minutes(answers), _stops(memory))
    declared = {row["site_id"]: row for row in answers["sites"]}
    assets = defaultdict(list)
    for row in answers["assets"]:
        assets[row["site_id"]].append(row)
    alarms = _grouped([*_cell_alarms(answers), *_crane_alarms(memory, answers)])
    calls = _grouped((row["site"], _call(row)) for row in answers["calls"])
    completeness = {row["site"]: _completeness(row) for row in answers["completeness"]}
    return Port(
        at=now.at,
        pipeline=_pipeline(memory),
        sites=[
            _site(
                now,
                declared.get(site, {"site_id": site}),
                assets[site],
                alarms[site],
                calls[site],
                completeness.get(site, NOBODY_KNOWS),
            )
            for site in [*declared, *sorted(set(assets) - set(declared))]
        ],
    )


_BY_ASSET: Final = ("boxes", "observed", "waiting", "entered", "left")


@dataclass(frozen=True, slots=True)
class _Now:
    at: datetime
    memory: Memory
    tables: Mapping[str, Mapping[str, Row]]
    judged: Judged
    stops: Mapping[str, Fault]

    def value(self, table: str, asset: str, column: str, otherwise: Any = None) -> Any:
        row = self.tables[table].get(asset)
        return otherwise if row is None else row[column]

    def of_minute(self, asset: str, column: str) -> Any:
        """A value of its newest minute; unknown when that is long ago."""
        row = self.memory.minutes.get(asset)
        return None if row is None or self.is_silent(asset) else row[column]

    def is_silent(self, asset: str) -> bool:
        heard = self.memory.heard.get(asset)
        return heard is None or self.at - heard > SILENT


def _site(
    now: _Now, site: Row, assets: Iterable[Row], alarms: list[Alarm], calls: list[Call], completeness: Completeness
) -> Site:
    kinds = defaultdict(list)
    for asset in sorted(assets, key=lambda row: str(row["asset_id"])):
        kinds[asset["kind"]].append(asset)
    heard = [
        now.memory.heard[asset["asset_id"]]
        for some in kinds.values()
        for asset in some
        if asset["asset_id"] in now.memory.heard
    ]
    return Site(
        site=site["site_id"],
        name=site.get("name") or site["site_id"],
        utc_offset_s=site.get("utc_offset_s") or 0,
        heard_at=max(heard, default=None),
        cranes=[_crane(now, asset) for asset in kinds["crane"]],
        gates=[_gate(now, asset) for asset in kinds["gate"]],
        devices=[_device(now, asset) for asset in kinds["device"]],
        alarms=sorted(alarms, key=lambda alarm: (_RANKS[alarm.severity], -alarm.since.timestamp()))[:MOST_ALARMS],
        alarms_total=len(alarms),
        calls=sorted(calls, key=lambda call: call.berth or ""),
        completeness=completeness,
    )


def _crane(now: _Now, asset: Row) -> Crane:
    crane = asset["asset_id"]
    told = now.memory.status.get(crane)
    fault = now.stops.get(crane)
    status, since = _status(now, crane, told, fault)
    boxes, observed = int(now.value("boxes", crane, "boxes", 0)), int(now.value("observed", crane, "minutes", 0))
    return Crane(
        asset=crane,
        name=asset["name"] or crane,
        type=asset["type"],
        status=status,
        status_since=since,
        fault=fault,
        boxes=boxes,
        observed_minutes=min(observed, WINDOW_MINUTES),
        box_per_h=round(boxes * 60 / min(observed, WINDOW_MINUTES), 1) if observed >= LEAST_MINUTES else None,
        load_t_max=now.of_minute(crane, "load_t_max"),
        wind_mps_max=now.of_minute(crane, "wind_mps_max"),
        heard_at=now.memory.heard.get(crane),
    )


def _status(now: _Now, crane: str, told: Row | None, fault: Fault | None) -> tuple[CraneStatus, datetime | None]:
    """One that said it is off is expected to be silent, and stays off."""
    if now.is_silent(crane) and (told is None or told["status"] != "off"):
        return "unknown", now.memory.heard.get(crane)
    if fault is not None:
        return "fault", fault.since
    return ("unknown", None) if told is None else (told["status"], told["time"])


def _stops(memory: Memory) -> Mapping[str, Fault]:
    """By crane, the fault that has stopped it for the longest."""
    first: dict[str, Row] = {}
    for (asset, _), row in memory.faults.items():
        if row["active"] and row["stops_work"] and (asset not in first or row["time"] < first[asset]["time"]):
            first[asset] = row
    return {asset: Fault(code=row["code"], severity=row["severity"], since=row["time"]) for asset, row in first.items()}


def _gate(now: _Now, asset: Row) -> Gate:
    gate = asset["asset_id"]
    since = now.value("waiting", gate, "since")
    return Gate(
        asset=gate,
        name=asset["name"] or gate,
        waiting=now.value("waiting", gate, "waiting", 0),
        longest_wait_s=None if since is None else max(0.0, round((now.at - since).total_seconds())),
        visits=now.value("entered", gate, "visits", 0),
        touch_points=_rounded(now.value("entered", gate, "touch_points")),
        manual_touch_points=_rounded(now.value("entered", gate, "manual_touch_points")),
        turn_time_s=_rounded(now.value("left", gate, "turn_time_s")),
        exceptions=now.value("entered", gate, "exceptions", 0),
        heard_at=now.memory.heard.get(gate),
    )


def _device(now: _Now, asset: Row) -> Device:
    device = asset["asset_id"]
    strip, profiles = now.judged.of(device)
    return Device(
        asset=device,
        name=asset["name"] or device,
        type=asset["type"],
        carried_by=asset["carried_by"],
        state="unknown" if now.is_silent(device) else _STATES[strip[-1]],
        strip=strip,
        strip_until=now.judged.until,
        profiles=profiles,
        rsrp_dbm=_rounded(now.of_minute(device, "rsrp_dbm")),
        sinr_db_min=_rounded(now.of_minute(device, "sinr_db_min")),
        rtt_ms_max=_rounded(now.of_minute(device, "rtt_ms_max")),
        heard_at=now.memory.heard.get(device),
    )


_STATES: Final[Mapping[str, Any]] = {"i": "in", "o": "out", "u": "unknown"}


def _cell_alarms(answers: Answers) -> Iterable[tuple[str, Alarm]]:
    for row in answers["alarms"]:
        severity: Any = row["severity"] if row["severity"] in _RANKS else "warning"
        yield (
            row["site"],
            Alarm(
                asset=row["asset_id"],
                kind="cell",
                severity=severity,
                what=row["condition"],
                detail=row["specific_problem"],
                since=row["since"],
            ),
        )


def _crane_alarms(memory: Memory, answers: Answers) -> Iterable[tuple[str, Alarm]]:
    sites = {row["asset_id"]: row["site_id"] for row in answers["assets"]}
    for (asset, code), row in memory.faults.items():
        if row["active"] and asset in sites:
            yield (
                sites[asset],
                Alarm(
                    asset=asset,
                    kind="crane",
                    severity=row["severity"],
                    what=code,
                    detail=row["description"],
                    since=row["time"],
                ),
            )


def _call(row: Row) -> Call:
    return Call(call_id=row["call_id"], berth=row["berth"], berthed_at=row["berthed_at"], is_working=row["is_working"])


def _completeness(row: Row) -> Completeness:
    received, expected = row["received"], row["expected"]
    value = min(1.0, received / expected) if expected else None
    return Completeness(value=value, received=received, expected=expected)


def _pipeline(memory: Memory) -> Pipeline:
    row = memory.pipeline or {}
    return Pipeline(
        accepted=row["accepted"],
        duplicate=row["duplicate"],
        rejected=row["rejected"],
        missing=row["missing"],
        records_per_s=_rounded(memory.records_per_s),
        committed_at=row["committed_at"],
    )


def _by_asset(rows: Iterable[Row]) -> Mapping[str, Row]:
    return {row["asset_id"]: row for row in rows}


def _grouped(pairs: Iterable[tuple[str, T]]) -> Mapping[str, list[T]]:
    groups: dict[str, list[T]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
