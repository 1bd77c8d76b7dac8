"""Events of boxes: where a container is and who released it."""

from typing import Any, Literal

from schemas.events.fields import Word
from schemas.events.model import EventData
from schemas.identifiers import container_problem


def _is_a_container(data: Any) -> str | None:
    problem = container_problem(data.equipment_reference)
    return f"equipment_reference: {problem}" if problem else None


class CargoMilestone(EventData):
    """A milestone of one container (domain words: import discharged → stacked → clearance → released → gated_out)."""

    TYPE = "io.quaystream.cargo.milestone.v1"
    RULE = staticmethod(_is_a_container)

    equipment_reference: Word
    milestone: Literal["discharged", "stacked", "clearance", "released", "gated_out", "gated_in", "loaded", "restowed"]
    agency: Word | None = None
    status: Word | None = None
    call_id: Word | None = None
    iso_equipment_code: Word | None = None
    empty: bool | None = None


EVENTS: tuple[type[EventData], ...] = (CargoMilestone,)
