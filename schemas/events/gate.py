"""Events of truck gates: the steps of a visit and what the cameras read."""

from typing import Annotated, Literal

from pydantic import Field

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

    visit_id: Word
    lane: Lane
    direction: Literal["in", "out"]
    step: GateStepName
    actor: Actor
    manual: bool
    result: Literal["ok", "hold", "fail"] | None = None
    reason: Text | None = None
    equipment_reference: Word | None = None
    truck_plate: Annotated[Word | None, Field(json_schema_extra={"classification": "personal"})] = None
    weight_kg: NonNegative | None = None


class GateOcr(EventData):
    """One reading of a gate camera; `corrected_value` when a person set it right."""

    TYPE = "io.quaystream.gate.ocr.v1"

    visit_id: Word
    lane: Lane
    kind: Literal["container", "plate", "seal", "iso_type"]
    value: Annotated[Text, Field(json_schema_extra={"classification": "personal"})]
    confidence: Ratio
    corrected_value: Annotated[Text | None, Field(json_schema_extra={"classification": "personal"})] = None


EVENTS: tuple[type[EventData], ...] = (GateStep, GateOcr)
