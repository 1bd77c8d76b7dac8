"""Events of port calls. Milestones are aligned with DCSA just-in-time port call 2.0."""

from typing import Annotated, Any, Literal

from schemas.classification import CALL
from schemas.events.fields import Moment, Word
from schemas.events.model import EventData
from schemas.identifiers import imo_problem
from schemas.moments import microseconds_of


def _is_a_ship_and_a_time(data: Any) -> str | None:
    problem = imo_problem(data.imo)
    if problem:
        return f"imo: {problem}"
    if data.expected_time is not None and microseconds_of(data.expected_time) is None:
        return "expected_time: no RFC 3339 time with offset"
    return None


class VesselMilestone(EventData):
    """A milestone of one call: actual, estimated, planned or requested.

    The event's `time` is when it happened or, of EST, PLN and REQ, when that was said; `expected_time` is when it is to
    happen. An ACT needs none: what it has is stored and not used.
    """

    TYPE = "io.quaystream.vessel.milestone.v1"
    RULE = staticmethod(_is_a_ship_and_a_time)

    imo: Annotated[Word, CALL]
    call_id: Annotated[Word, CALL]
    milestone: Annotated[
        Literal[
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
        ],
        CALL,
    ]
    classifier: Annotated[Literal["ACT", "EST", "PLN", "REQ"], CALL]
    berth: Annotated[Word | None, CALL] = None
    expected_time: Annotated[Moment | None, CALL] = None


EVENTS: tuple[type[EventData], ...] = (VesselMilestone,)
