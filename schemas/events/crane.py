"""Events of cranes (STS, RTG, …). Words after TIC4.0 (2022.006); boxes, not moves, are what is counted."""

from typing import Annotated, Literal

from schemas.classification import BOX, CALL, MACHINE, OPERATOR, WEATHER
from schemas.events.fields import Count, NonNegative, Number, SpreaderLengthFt, Text, Word
from schemas.events.model import AtLeastOne, EventData

JobStep = Literal[
    "movingtocollect",
    "queuingtocollect",
    "readytocollect",
    "movingtodeliver",
    "queuingtodeliver",
    "readytodeliver",
    "assigned",
    "dispatched",
    "delivered",
    "cancelled",
]


class CraneSample(EventData):
    """One reading of a crane's instruments; any field may be absent, not all of them."""

    TYPE = "io.quaystream.crane.sample.v1"

    hoist_position_m: Annotated[Number | None, MACHINE] = None
    hoist_speed_mps: Annotated[Number | None, MACHINE] = None
    trolley_position_m: Annotated[Number | None, MACHINE] = None
    trolley_speed_mps: Annotated[Number | None, MACHINE] = None
    gantry_position_m: Annotated[Number | None, MACHINE] = None
    gantry_speed_mps: Annotated[Number | None, MACHINE] = None
    load_t: Annotated[Number | None, MACHINE] = None
    spreader_locked: Annotated[bool | None, MACHINE] = None
    spreader_landed: Annotated[bool | None, MACHINE] = None
    spreader_mode: Annotated[Literal["single", "twin", "tandem"] | None, MACHINE] = None
    spreader_length_ft: Annotated[SpreaderLengthFt | None, MACHINE] = None
    wind_mps: Annotated[NonNegative | None, WEATHER] = None
    power_kw: Annotated[Number | None, MACHINE] = None
    energy_total_kwh: Annotated[NonNegative | None, MACHINE] = None
    moves_total: Annotated[Count | None, MACHINE] = None


CraneSample.RULE = staticmethod(AtLeastOne(tuple(CraneSample.model_fields)))


class CraneStatus(EventData):
    """A change of the crane's state (TIC4.0 p. 37650463, 37650433)."""

    TYPE = "io.quaystream.crane.status.v1"

    status: Annotated[Literal["on", "off", "working", "idle", "standby"], MACHINE]
    reason: Annotated[Text | None, MACHINE] = None


class CraneFault(EventData):
    """A fault that appeared (`active`) or went away."""

    TYPE = "io.quaystream.crane.fault.v1"

    code: Annotated[Word, MACHINE]
    severity: Annotated[Literal["info", "warning", "error", "critical"], MACHINE]
    active: Annotated[bool, MACHINE]
    stops_work: Annotated[bool | None, MACHINE] = None
    description: Annotated[Text | None, MACHINE] = None


class CraneJob(EventData):
    """A step of a job instruction (TIC4.0 job stepping 2023.007)."""

    TYPE = "io.quaystream.crane.job.v1"

    job_id: Annotated[Word, MACHINE]
    step: Annotated[JobStep, MACHINE]
    move_kind: Annotated[Literal["load", "discharge", "restow", "shift", "hatch"] | None, BOX] = None
    equipment_reference: Annotated[Word | None, BOX] = None
    boxes: Annotated[Count | None, BOX] = None
    call_id: Annotated[Word | None, CALL] = None


class CraneAssignment(EventData):
    """A crane is allocated to a call, an operator logs on, a delay starts, and their ends."""

    TYPE = "io.quaystream.crane.assignment.v1"

    call_id: Annotated[Word, CALL]
    state: Annotated[Literal["allocated", "released", "logged_on", "logged_off", "delay_start", "delay_end"], MACHINE]
    delay_code: Annotated[Word | None, MACHINE] = None
    operator_ref: Annotated[Word | None, OPERATOR] = None


EVENTS: tuple[type[EventData], ...] = (CraneSample, CraneStatus, CraneFault, CraneJob, CraneAssignment)
