"""Events of truck gates: the steps of a visit and what the cameras read."""

from typing import Annotated, Literal

from schemas.classification import BOX, CLEARANCE, PLATE, READING
from schemas.events.fields import Lane, NonNegative, Ratio, Text, Word
from schemas.events.model import EventData

Actor = Literal["system", "driver", "terminal", "customs", "tax", "border_guard", "port_authority"]
GateStepName = Literal[
    "queue_entered",
    "lane_entered",
    "ocr_read",
    "appointment_checked",
    "document_checked",
    "customs_checked",
    "weighed",
    "seal_checked",
    "exception",
    "barrier_opened",
    "gate_left",
]


class GateStep(EventData):
    """One step of a truck's visit. A touch point is a step whose actor is not `system`; `manual` = a person had to act."""

    TYPE = "io.quaystream.gate.step.v1"

    visit_id: Annotated[Word, BOX]
    lane: Annotated[Lane, BOX]
    direction: Annotated[Literal["in", "out"], BOX]
    step: Annotated[GateStepName, CLEARANCE]
    actor: Annotated[Actor, CLEARANCE]
    manual: Annotated[bool, CLEARANCE]
    result: Annotated[Literal["ok", "hold", "fail"] | None, CLEARANCE] = None
    reason: Annotated[Text | None, CLEARANCE] = None
    equipment_reference: Annotated[Word | None, BOX] = None
    truck_plate: Annotated[Word | None, PLATE] = None
    weight_kg: Annotated[NonNegative | None, BOX] = None


class GateOcr(EventData):
    """One reading of a gate camera; `corrected_value` when a person set it right."""

    TYPE = "io.quaystream.gate.ocr.v1"

    visit_id: Annotated[Word, BOX]
    lane: Annotated[Lane, BOX]
    kind: Annotated[Literal["container", "plate", "seal", "iso_type"], BOX]
    value: Annotated[Text, READING]
    confidence: Annotated[Ratio, BOX]
    corrected_value: Annotated[Text | None, READING] = None


EVENTS: tuple[type[EventData], ...] = (GateStep, GateOcr)
