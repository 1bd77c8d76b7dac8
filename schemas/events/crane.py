"""Events of cranes (STS, RTG, …). Words after TIC4.0 (2022.006); boxes, not moves, are what is counted."""

from typing import Annotated, Literal

from pydantic import Field

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

    hoist_position_m: Number | None = None
    hoist_speed_mps: Number | None = None
    trolley_position_m: Number | None = None
    trolley_speed_mps: Number | None = None
    gantry_position_m: Number | None = None
    gantry_speed_mps: Number | None = None
    load_t: Number | None = None
    spreader_locked: bool | None = None
    spreader_landed: bool | None = None
    spreader_mode: Literal["single", "twin", "tandem"] | None = None
    spreader_length_ft: SpreaderLengthFt | None = None
    wind_mps: NonNegative | None = None
    power_kw: Number | None = None
    energy_total_kwh: NonNegative | None = None
    moves_total: Count | None = None


CraneSample.RULE = staticmethod(AtLeastOne(tuple(CraneSample.model_fields)))


class CraneStatus(EventData):
    """A change of the crane's state (TIC4.0 p. 37650463, 37650433)."""

    TYPE = "io.quaystream.crane.status.v1"

    status: Literal["on", "off", "working", "idle", "standby"]
    reason: Text | None = None


class CraneFault(EventData):
    """A fault that appeared (`active`) or went away."""

    TYPE = "io.quaystream.crane.fault.v1"

    code: Word
    severity: Literal["info", "warning", "error", "critical"]
    active: bool
    stops_work: bool | None = None
    description: Text | None = None


class CraneJob(EventData):
    """A step of a job instruction (TIC4.0 job stepping 2023.007)."""

    TYPE = "io.quaystream.crane.job.v1"

    job_id: Word
    step: JobStep
    move_kind: Literal["load", "discharge", "restow", "shift", "hatch"] | None = None
    equipment_reference: Word | None = None
    boxes: Count | None = None
    call_id: Word | None = None


class CraneAssignment(EventData):
    """A crane is allocated to a call, an operator logs on, a delay starts, and their ends."""

    TYPE = "io.quaystream.crane.assignment.v1"

    call_id: Word
    state: Literal["allocated", "released", "logged_on", "logged_off", "delay_start", "delay_end"]
    delay_code: Word | None = None
    operator_ref: Annotated[Word | None, Field(json_schema_extra={"classification": "personal"})] = None


EVENTS: tuple[type[EventData], ...] = (CraneSample, CraneStatus, CraneFault, CraneJob, CraneAssignment)
