"""Events of every type over all five topics, in the shares of a busy terminal. A record is a pure function of its number.

Every 100 records hold the same kinds in the same order; a kind's own events are numbered without a gap.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from schemas.identifiers import container_check_digit
from schemas.topics import TOPIC_BY_TYPE
from streams.cli.benchmark.workload import Record, rfc3339

STEP_US = 5_000
SITE = "VNHPH-TANVU"
# Coprime to 100, so that kinds alternate instead of coming in blocks.
_STRIDE = 37
Data = dict[str, Any]
_STEPS = (
    *(("queue_entered", "driver"), ("lane_entered", "system"), ("ocr_read", "system")),
    *(("document_checked", "customs"), ("barrier_opened", "system"), ("gate_left", "driver")),
)
_READS = 4
_MILESTONES = ("discharged", "stacked", "clearance", "released", "gated_out")
_CALLING = ("berth_arrival", "all_fast", "cargo_started", "cargo_completed", "sailed")


class Kind(NamedTuple):
    """One event type: `share` of every 100 records, how many assets, an asset's name and an event's data.

    `run` events in a row belong to one asset (the steps of one visit).
    """

    type: str
    share: int
    assets: int
    asset: Callable[[int], str]
    data: Callable[[int, int], Data]
    run: int = 1


@dataclass(frozen=True, slots=True)
class Made:
    """One event: its type's name in full, its identity and its data."""

    type: str
    subject: str
    source: str
    event_id: str
    sequence: int
    time_us: int
    data: Data


def _mix(number: int) -> int:
    return (number * 2_654_435_761) & 0xFFFF_FFFF


def _sample(_asset: int, number: int) -> Data:
    mixed = _mix(number)
    return {
        "hoist_position_m": (mixed & 0xFFF) / 100,
        "hoist_speed_mps": ((mixed >> 4) & 0xFF) / 100,
        "load_t": ((mixed >> 8) & 0xFFF) / 100,
        "wind_mps": ((mixed >> 12) & 0x3FF) / 100,
        "power_kw": ((mixed >> 16) & 0x7FFF) / 100,
    }


def _radio(_asset: int, number: int) -> Data:
    mixed = _mix(number)
    return {
        "serving_cell": f"{SITE}-CELL{mixed % 12:02d}",
        "rsrp_dbm": -60.0 - (mixed & 0x1FF) / 10,
        "sinr_db": ((mixed >> 4) & 0xFF) / 10,
        "rtt_ms": 5 + ((mixed >> 8) & 0x3FF) / 10,
        "uplink_mbps": ((mixed >> 12) & 0x3FF) / 10,
        "handover": mixed % 50 == 0,
        "network_mode": "SA",
    }


def _step(asset: int, number: int) -> Data:
    step, actor = _STEPS[number % len(_STEPS)]
    visit = number // len(_STEPS)
    return {
        "visit_id": f"V-{asset:02d}-{visit:06d}",
        "lane": f"IN{asset % 4}",
        "direction": "in",
        "step": step,
        "actor": actor,
        "manual": _mix(number) % 8 == 0,
        "result": "ok",
        "equipment_reference": _container(visit),
        "weight_kg": 20_000.0 + _mix(visit) % 10_000,
    }


def _ocr(asset: int, number: int) -> Data:
    # As many readings a visit as their shares make of the steps'.
    visit = number // _READS
    value = _container(visit)
    read = {"visit_id": f"V-{asset:02d}-{visit:06d}", "lane": f"IN{asset % 4}", "kind": "container", "value": value}
    wrong = {"corrected_value": value} if _mix(number) % 20 == 0 else {}
    return {**read, "confidence": 0.5 + _mix(number) % 500 / 1_000, **wrong}


def _measurement(asset: int, number: int) -> Data:
    mixed = _mix(number)
    return {
        "granularity_s": 60,
        "object": f"NRCellDU={asset % 3}",
        "managed_element": "gnb-tanvu-01",
        "measurements": [
            {"name": "DRB.UEThpUl", "value": float(mixed & 0xFFFF), "unit": "kbit/s", "labels": {"5qi": 82}},
            {"name": "DRB.AirIfDelayUl", "value": float(mixed >> 4 & 0xFF), "unit": "0.1ms", "labels": {"5qi": 82}},
            {"name": "RRU.PrbTotUl", "value": float(mixed >> 8 & 0x3F), "unit": "%"},
            {"name": "RRC.ConnMean", "value": float(mixed >> 12 & 0xFF)},
        ],
    }


def _cargo(asset: int, number: int) -> Data:
    milestone = _MILESTONES[number % len(_MILESTONES)]
    box = {"equipment_reference": _container(asset), "milestone": milestone, "call_id": f"{SITE}-CALL01"}
    return {**box, **({"agency": "customs", "status": "cleared"} if milestone == "clearance" else {})}


def _vessel(asset: int, number: int) -> Data:
    call = {"imo": "9321483", "call_id": f"{SITE}-CALL{asset:02d}"}
    return {**call, "milestone": _CALLING[number % len(_CALLING)], "classifier": "ACT", "berth": "TV3"}


def _job(asset: int, number: int) -> Data:
    move = {"move_kind": "discharge", "equipment_reference": _container(number), "boxes": 1}
    return {"job_id": f"J-{asset:03d}-{number:06d}", "step": "readytocollect", **move, "call_id": f"{SITE}-CALL01"}


def _assignment(_asset: int, number: int) -> Data:
    return {"call_id": f"{SITE}-CALL01", "state": ("delay_start", "delay_end")[number % 2], "delay_code": "WEA"}


def _fault(_asset: int, number: int) -> Data:
    return {"code": f"1.4.{number % 9}", "severity": "warning", "active": number % 2 == 0, "stops_work": False}


def _trip(_asset: int, number: int) -> Data:
    return {"trip_id": f"t-{number}", "duration_s": 60.0 + number % 90, "kind": "shuttle", "laden": number % 2 == 0}


def _alarm(_asset: int, number: int) -> Data:
    severity = "cleared" if number % 2 else "major"
    return {"alarm_id": f"a-{number // 2}", "condition": "LinkDown", "severity": severity, "interface": "F1"}


def _container(number: int) -> str:
    first = f"QSYU{number % 1_000_000:06d}"
    return f"{first}{container_check_digit(first)}"


def _called(word: str, digits: int) -> Callable[[int], str]:
    return lambda asset: f"{word}{asset:0{digits}d}"


KINDS = (
    Kind("crane.sample", 58, 60, _called("STS", 3), _sample),
    Kind("cell.radio", 14, 150, _called("UE", 3), _radio),
    Kind("gate.step", 6, 8, _called("GATE", 2), _step, len(_STEPS)),
    Kind("gate.ocr", 4, 8, _called("GATE", 2), _ocr),
    Kind("cell.measurement", 5, 12, _called("CELL", 2), _measurement),
    Kind("cargo.milestone", 5, 2_000, _container, _cargo, len(_MILESTONES)),
    Kind("crane.status", 1, 60, _called("STS", 3), lambda _, n: {"status": ("working", "idle")[n % 2]}),
    Kind("crane.fault", 1, 60, _called("STS", 3), _fault),
    Kind("crane.job", 1, 60, _called("STS", 3), _job),
    Kind("crane.assignment", 1, 60, _called("STS", 3), _assignment),
    Kind("cell.alarm", 1, 12, _called("CELL", 2), _alarm),
    Kind("cell.heartbeat", 1, 12, _called("CELL", 2), lambda *_: {"interval_s": 60}),
    Kind("cell.trip", 1, 150, _called("UE", 3), _trip),
    Kind("vessel.milestone", 1, 20, _called("CALL", 2), _vessel, len(_CALLING)),
)
_PLACES = tuple((kind, rank) for kind in KINDS for rank in range(kind.share))
assert len(_PLACES) == 100  # noqa: S101  (shares are per hundred)


@dataclass(frozen=True)
class Mixture:
    """`boot` names the run, so that two runs share no event; every 5 ms of event time another event."""

    boot: str
    start_us: int

    def events(self, count: int) -> Iterator[Made]:
        """The first `count` events, in order of time."""
        return map(self.event, range(count))

    def records(self, count: int) -> Iterator[Record]:
        """The same as Kafka gets them."""
        for event in self.events(count):
            yield Record(TOPIC_BY_TYPE[event.type].name, event.subject.encode(), encode(event, self.boot))

    def event(self, number: int) -> Made:
        """Event `number` (from 0)."""
        hundred, place = divmod(number, 100)
        kind, rank = _PLACES[place * _STRIDE % 100]
        of_kind = hundred * kind.share + rank
        run, in_run = divmod(of_kind, kind.run)
        turn, asset = divmod(run, kind.assets)
        of_asset = turn * kind.run + in_run
        return Made(
            type=f"io.quaystream.{kind.type}.v1",
            subject=f"{SITE}-{kind.asset(asset)}",
            source=f"/vnhph/tanvu/gw-{asset % 5:02d}",
            event_id=f"{self.boot}-{number}",
            sequence=of_asset + 1,
            time_us=self.start_us + number * STEP_US,
            data=kind.data(asset, of_asset),
        )


def encode(event: Made, boot: str) -> bytes:
    """The event as a CloudEvent in structured mode."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": event.event_id,
            "source": event.source,
            "type": event.type,
            "subject": event.subject,
            "time": rfc3339(event.time_us),
            "bootid": boot,
            "sequence": event.sequence,
            "data": event.data,
        }
    )
