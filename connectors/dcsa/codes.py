"""What DCSA's codes mean to us, in both directions. Sources: event domain 3.2.0, JIT port call 2.0.0."""

from typing import Any, Final, NamedTuple

CUSTOMS: Final = "customs"
# equipmentEventTypeCode → what a cargo milestone says of it.
EQUIPMENT: Final[dict[str, dict[str, str]]] = {
    "LOAD": {"milestone": "loaded"},
    "DISC": {"milestone": "discharged"},
    "GTIN": {"milestone": "gated_in"},
    "GTOT": {"milestone": "gated_out"},
    "CUSS": {"milestone": "clearance", "agency": CUSTOMS, "status": "selected_scan"},
    "CUSI": {"milestone": "clearance", "agency": CUSTOMS, "status": "selected_inspection"},
    "CUSR": {"milestone": "released", "agency": CUSTOMS},
}
# The other codes of the list are events of a box that none of our milestones is.
OTHER_EQUIPMENT: Final = frozenset(
    {"STUF", "STRP", "PICK", "AVPU", "DROP", "AVDO", "INSP", "RSEA", "RMVD", "CROS"}  # codespell: DCSA's own words
)
EMPTY: Final = {"EMPTY": True, "LADEN": False}
CLASSIFIERS: Final = frozenset({"ACT", "EST", "PLN", "REQ"})
TRANSPORT: Final = {"ARRI": "berth_arrival", "DEPA": "berth_departure"}
VESSEL_MODES: Final = frozenset({"", "VESSEL"})


class Service(NamedTuple):
    """A port call service and its event, with the phase and the facility that it is written with."""

    service: str
    event: str
    phase: str = ""
    facility: str = ""


SERVICES: Final[dict[str, Service]] = {
    "pilot_station_arrival": Service("PILOT_BOARDING_PLACE", "ARRI", "INBD", "PBPL"),
    "anchored": Service("ANCHORAGE", "STRT", "", "ANCH"),
    "anchor_aweigh": Service("ANCHORAGE", "CMPL", "", "ANCH"),
    "first_line": Service("MOORING", "STRT", "INBD", "BRTH"),
    "berth_arrival": Service("BERTH", "ARRI", "INBD", "BRTH"),
    "all_fast": Service("ALL_FAST", "ARRI", "ALGS", "BRTH"),
    "gangway_secured": Service("GANGWAY_DOWN_AND_SECURE", "ARRI", "ALGS", "BRTH"),
    "ready_for_cargo": Service("VESSEL_READY_FOR_CARGO_OPERATIONS", "ARRI", "ALGS", "BRTH"),
    "cargo_started": Service("CARGO_OPERATIONS", "STRT", "ALGS", "BRTH"),
    "cargo_completed": Service("CARGO_OPERATIONS", "CMPL", "ALGS", "BRTH"),
    "ready_to_sail": Service("VESSEL_READY_TO_SAIL", "ARRI", "ALGS", "BRTH"),
    "last_line": Service("MOORING", "CMPL", "OUTB", "BRTH"),
    "berth_departure": Service("BERTH", "DEPA", "OUTB", "BRTH"),
    "sailed": Service("SEA_PASSAGE", "STRT", "OUTB"),
}
# Berth ends mooring outward and begins it inward only; the others mean the same in every phase.
_PHASED: Final = frozenset({"MOORING"})
_ENDS: Final = {"BERTH": ("ARRI", "DEPA")} | dict.fromkeys(
    (
        "PILOT_BOARDING_PLACE",
        "ALL_FAST",
        "GANGWAY_DOWN_AND_SECURE",
        "VESSEL_READY_FOR_CARGO_OPERATIONS",
        "VESSEL_READY_TO_SAIL",
        "MOVES",
    ),
    ("ARRI",),
)
_SERVICE_NAMES: Final = {service.service for service in SERVICES.values()} | {
    *("PILOTAGE", "TOWAGE", "BUNKERING", "SLUDGE", "DISCHARGE_CARGO_OPERATIONS", "LOADING_CARGO_OPERATIONS"),
    *("LASHING", "SAFETY", "ANCHORAGE_OPERATIONS", "SHORE_POWER", "MOVES"),
}


def milestone_of(service: str, event: str, phase: str) -> str | None:
    """The milestone, or None where the service is one that none of ours is."""
    for milestone, row in SERVICES.items():
        if (row.service, row.event) == (service, event) and (service not in _PHASED or row.phase == phase):
            return milestone
    return None


def service_fault(service: str, event: str) -> str | None:
    """What is wrong with a service and its event by the standard, or None."""
    if service not in _SERVICE_NAMES:
        return f"portCallServiceTypeCode {service!r} is not of JIT 2.0"
    ends = _ENDS.get(service, ("STRT", "CMPL"))
    return None if event in ends else f"{service} has {' and '.join(ends)}, not {event!r}"


def equipment_code(data: dict[str, Any]) -> str | None:
    """The equipmentEventTypeCode of a cargo milestone, or None where DCSA has none."""
    for code, means in EQUIPMENT.items():
        if all(data.get(name) == value for name, value in means.items()):
            return code
    return None
