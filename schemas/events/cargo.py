"""Events of boxes: where a container is and who released it."""

from typing import Annotated, Any, Literal

from schemas.classification import BOX, CALL, CLEARANCE
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

    equipment_reference: Annotated[Word, BOX]
    milestone: Annotated[
        Literal["discharged", "stacked", "clearance", "released", "gated_out", "gated_in", "loaded", "restowed"], BOX
    ]
    agency: Annotated[Word | None, CLEARANCE] = None
    status: Annotated[Word | None, CLEARANCE] = None
    call_id: Annotated[Word | None, CALL] = None
    iso_equipment_code: Annotated[Word | None, BOX] = None
    empty: Annotated[bool | None, BOX] = None


EVENTS: tuple[type[EventData], ...] = (CargoMilestone,)
