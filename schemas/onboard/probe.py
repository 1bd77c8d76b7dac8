"""The test message of `quaystream onboard --check`: a whole event of a gateway's own, but from the last day of 1999.

It goes all the way: let in by the broker, read, its source's signature and its data judged good, and then refused as
`clock_skew`, which comes after all of those. So it is stored byte for byte as a dead letter, and nowhere else: no row, minute,
fact, KPI, sequence or asset comes of it; and the budget of dead letters leaves this reason out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.events.model import TYPE_PREFIX
from schemas.onboard.model import TOPIC_OF_KIND, GatewayEntry, Port

TIME: Final = "1999-12-31T00:00:00Z"
REASON: Final = "clock_skew"
_DATA: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "crane-events": ("crane.status", {"status": "standby"}),
    "gate-events": (
        "gate.step",
        {
            "visit_id": "probe",
            "lane": "probe",
            "direction": "in",
            "step": "ocr_read",
            "actor": "system",
            "manual": False,
        },
    ),
    "cell-events": ("cell.heartbeat", {"interval_s": 60.0}),
    "cargo-events": ("cargo.milestone", {"equipment_reference": "CSQU3054383", "milestone": "stacked"}),
    "vessel-events": (
        "vessel.milestone",
        {"imo": "9074729", "call_id": "probe", "milestone": "all_fast", "classifier": "PLN"},
    ),
}


@dataclass(frozen=True, slots=True)
class Probe:
    """One test message: what is sent, by which gateway, to which topic."""

    gateway: GatewayEntry
    topic: str
    event: Mapping[str, Any]

    @property
    def event_id(self) -> str:
        return str(self.event["id"])


def probes_of(port: Port, run: str) -> list[Probe]:
    """One for each topic of each gateway; `run` makes their ids unlike those of any other time."""
    return [_probe(port, gateway, topic, run) for gateway in port.gateways for topic in gateway.topics]


def _probe(port: Port, gateway: GatewayEntry, topic: str, run: str) -> Probe:
    what, data = _DATA[topic]
    event = {
        "specversion": "1.0",
        "id": f"onboarding-{run}-{topic}",
        "source": gateway.source,
        "type": f"{TYPE_PREFIX}{what}.v1",
        "subject": _subject(port, gateway, topic),
        "time": TIME,
        "data": dict(data),
    }
    return Probe(gateway, topic, event)


def _subject(port: Port, gateway: GatewayEntry, topic: str) -> str:
    """An asset of the gateway that reports there; boxes and ships are not declared."""
    theirs = (a for a in port.assets if gateway.source in a.gateways and TOPIC_OF_KIND[a.kind] == topic)
    return f"{port.site_id}-{next((asset.id for asset in theirs), 'PROBE')}"
