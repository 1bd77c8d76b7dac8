"""A board without a database: answers as the statements give them, changed by the test."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.board.feed import Feed
from connectors.board.gauges import Gauges
from connectors.board.memory import Answers, Memory, remember
from connectors.board.plan import PLAN
from connectors.board.port import port_of
from schemas.board import Crane, Device, Gate, Port, Site
from schemas.errors import ServiceUnreachableError

NOW = datetime(2026, 11, 28, 9, 30, 20, tzinfo=UTC)
SITE = "VNHPH-TANVU"
CRANE, GATE, DEVICE = f"{SITE}-STS01", f"{SITE}-GATE01", f"{SITE}-STS01_UE"


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def minute(asset: str, bucket: datetime, samples: int = 60) -> dict[str, Any]:
    values = ("load_t_max", "wind_mps_max", "rsrp_dbm", "sinr_db_min", "rtt_ms_max")
    return {"asset_id": asset, "bucket": bucket, "samples": samples, **dict.fromkeys(values, 12.0)}


def asset(asset_id: str, kind: str, type_: str | None = None, name: str = "") -> dict[str, Any]:
    site = "-".join(asset_id.split("-")[:2])
    return {"asset_id": asset_id, "site_id": site, "kind": kind, "type": type_, "name": name, "carried_by": None}


def answers(**some: Sequence[Mapping[str, Any]]) -> dict[str, Sequence[Mapping[str, Any]]]:
    """A declared site with a crane, a gate and a device that say nothing, and what is given."""
    pipeline = {"at": NOW, "committed_at": NOW, "accepted": 1000, "duplicate": 0, "rejected": 0, "missing": 0}
    return {
        **{question.name: [] for question in PLAN},
        "pipeline": [pipeline],
        "sites": [{"site_id": SITE, "name": "Tan Vu terminal", "utc_offset_s": 25_200}],
        "assets": [asset(CRANE, "crane", "STS", "Quay crane 1"), asset(GATE, "gate"), asset(DEVICE, "device", "UE")],
        **some,
    }


def port(**some: Sequence[Mapping[str, Any]]) -> Port:
    """What a first look at these answers shows."""
    given = answers(**some)
    return port_of(remember(Memory(), given), given)


def site(**some: Sequence[Mapping[str, Any]]) -> Site:
    (only,) = port(**some).sites
    return only


def crane(**some: Sequence[Mapping[str, Any]]) -> Crane:
    (only,) = site(**some).cranes
    return only


def gate(**some: Sequence[Mapping[str, Any]]) -> Gate:
    (only,) = site(**some).gates
    return only


def device(**some: Sequence[Mapping[str, Any]]) -> Device:
    (only,) = site(**some).devices
    return only


class Eye:
    """Gives the answers it holds; counts how often it was asked."""

    def __init__(self, given: Answers | None = None) -> None:
        self.given = given or answers()
        self.is_away = False
        self.looks = 0

    async def look(self) -> Answers:
        self.looks += 1
        if self.is_away:
            raise ServiceUnreachableError("no answer from the database")
        return self.given


def feed_of(eye: Eye, turn_s: float = 0.02) -> Feed:
    return Feed(eye, Gauges("test"), turn_s)
