"""Events of port calls. Milestones are aligned with DCSA just-in-time port call 2.0."""

from typing import Any, Literal

from schemas.events.fields import Word
from schemas.events.model import EventData
from schemas.identifiers import imo_problem


def _is_a_ship(data: Any) -> str | None:
    problem = imo_problem(data.imo)
    return f"imo: {problem}" if problem else None


class VesselMilestone(EventData):
    """A milestone of one call: actual, estimated, planned or requested."""

    TYPE = "io.quaystream.vessel.milestone.v1"
    RULE = staticmethod(_is_a_ship)

    imo: Word
    call_id: Word
    milestone: Literal[
        "pilot_station_arrival",
        "anchored",
        "anchor_aweigh",
        "first_line",
        "berth_arrival",
        "all_fast",
        "gangway_secured",
        "ready_for_cargo",
        "cargo_started",
        "cargo_completed",
        "ready_to_sail",
        "last_line",
        "berth_departure",
        "sailed",
    ]
    classifier: Literal["ACT", "EST", "PLN", "REQ"]
    berth: Word | None = None


EVENTS: tuple[type[EventData], ...] = (VesselMilestone,)
