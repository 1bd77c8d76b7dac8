"""Events of the private 5G network: performance measurements, radio readings and trips of devices, alarms, heartbeats."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.classification import RADIO, TOPOLOGY
from schemas.events.fields import (
    CounterName,
    Cqi,
    FiveQi,
    GranularityS,
    Integer,
    IntervalS,
    NonNegative,
    Number,
    Ratio,
    RsrpDbm,
    RsrqDb,
    RssiDbm,
    SinrDb,
    Text,
    TripS,
    Word,
)
from schemas.events.model import AtLeastOne, EventData, EventPart


class Measurement(EventPart):
    """One counter of a report: a value (null = the network had none) or a histogram's bins, in the declared unit."""

    name: Annotated[CounterName, RADIO]
    value: Annotated[Number | None, RADIO] = None
    bins: Annotated[Annotated[list[Number], Field(min_length=1, max_length=4096)] | None, RADIO] = None
    unit: Annotated[Word | None, RADIO] = None
    labels: Annotated[dict[str, str | Integer] | None, RADIO] = None


def _value_or_bins(data: Any) -> str | None:
    if any(item.value is not None and item.bins is not None for item in data.measurements):
        return "a measurement has both a value and bins"
    return None


class CellMeasurement(EventData):
    """One performance report of one object (TS 28.552 counters; `object` is the measObjInstId or DN).

    The event time is the END of the granularity period. Names may carry their labels (`DRB.UEThpUl.5QI82`): the worker
    parts them by schemas/counters.yaml, which also says the unit of a value that declares none; `interface` (`e2`,
    `ts28552`) matters for that alone.
    """

    TYPE = "io.quaystream.cell.measurement.v1"
    RULE = staticmethod(_value_or_bins)

    granularity_s: Annotated[GranularityS, RADIO]
    object: Annotated[Word, TOPOLOGY]
    managed_element: Annotated[Word | None, TOPOLOGY] = None
    vendor: Annotated[Word | None, TOPOLOGY] = None
    interface: Annotated[Word | None, TOPOLOGY] = None
    suspect: Annotated[bool | None, RADIO] = None
    measurements: Annotated[list[Measurement], Field(min_length=1, max_length=16_384), RADIO]


class RadioSample(EventData):
    """One radio reading of a connected device (ranges of TS 38.133); any field may be absent, not all of them."""

    TYPE = "io.quaystream.cell.radio.v1"

    serving_cell: Annotated[Word | None, TOPOLOGY] = None
    rsrp_dbm: Annotated[RsrpDbm | None, RADIO] = None
    rsrq_db: Annotated[RsrqDb | None, RADIO] = None
    sinr_db: Annotated[SinrDb | None, RADIO] = None
    rssi_dbm: Annotated[RssiDbm | None, RADIO] = None
    cqi: Annotated[Cqi | None, RADIO] = None
    rtt_ms: Annotated[NonNegative | None, RADIO] = None
    loss_ratio: Annotated[Ratio | None, RADIO] = None
    uplink_mbps: Annotated[NonNegative | None, RADIO] = None
    downlink_mbps: Annotated[NonNegative | None, RADIO] = None
    handover: Annotated[bool | None, RADIO] = None
    slice: Annotated[Word | None, TOPOLOGY] = None
    five_qi: Annotated[FiveQi | None, RADIO] = None
    network_mode: Annotated[Word | None, TOPOLOGY] = None


RadioSample.RULE = staticmethod(AtLeastOne(tuple(RadioSample.model_fields)))


class DeviceTrip(EventData):
    """A connected device (a vehicle, a robot) finished a trip. The event time is its END, `duration_s` goes back from it.

    `waited_s` of it the device stood for a reason that it knows, such as a full station. `completed` is false where it
    gave up; absent means true.
    """

    TYPE = "io.quaystream.cell.trip.v1"

    trip_id: Annotated[Word, RADIO]
    duration_s: Annotated[TripS, RADIO]
    kind: Annotated[Word | None, RADIO] = None
    laden: Annotated[bool | None, RADIO] = None
    waited_s: Annotated[NonNegative | None, RADIO] = None
    completed: Annotated[bool | None, RADIO] = None


class CellAlarm(EventData):
    """An alarm raised, changed or cleared. INDETERMINATE arrives as `warning`, the original kept as an unknown field."""

    TYPE = "io.quaystream.cell.alarm.v1"

    alarm_id: Annotated[Word, TOPOLOGY]
    condition: Annotated[Word, TOPOLOGY]
    severity: Annotated[Literal["critical", "major", "minor", "warning", "cleared"], TOPOLOGY]
    interface: Annotated[Word | None, TOPOLOGY] = None
    specific_problem: Annotated[Text | None, TOPOLOGY] = None
    probable_cause: Annotated[Text | None, TOPOLOGY] = None


class CellHeartbeat(EventData):
    """A sign of life; the next one is due within `interval_s`."""

    TYPE = "io.quaystream.cell.heartbeat.v1"

    interval_s: Annotated[IntervalS, RADIO]


EVENTS: tuple[type[EventData], ...] = (CellMeasurement, RadioSample, CellAlarm, CellHeartbeat, DeviceTrip)
