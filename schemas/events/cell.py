"""Events of the private 5G network: performance measurements, radio readings and trips of devices, alarms, heartbeats."""

from typing import Annotated, Any, Literal

from pydantic import Field

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

    name: CounterName
    value: Number | None = None
    bins: Annotated[list[Number], Field(min_length=1, max_length=4096)] | None = None
    unit: Word | None = None
    labels: dict[str, str | Integer] | None = None


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

    granularity_s: GranularityS
    object: Word
    managed_element: Word | None = None
    vendor: Word | None = None
    interface: Word | None = None
    suspect: bool | None = None
    measurements: Annotated[list[Measurement], Field(min_length=1, max_length=16_384)]


class RadioSample(EventData):
    """One radio reading of a connected device (ranges of TS 38.133); any field may be absent, not all of them."""

    TYPE = "io.quaystream.cell.radio.v1"

    serving_cell: Word | None = None
    rsrp_dbm: RsrpDbm | None = None
    rsrq_db: RsrqDb | None = None
    sinr_db: SinrDb | None = None
    rssi_dbm: RssiDbm | None = None
    cqi: Cqi | None = None
    rtt_ms: NonNegative | None = None
    loss_ratio: Ratio | None = None
    uplink_mbps: NonNegative | None = None
    downlink_mbps: NonNegative | None = None
    handover: bool | None = None
    slice: Word | None = None
    five_qi: FiveQi | None = None
    network_mode: Word | None = None


RadioSample.RULE = staticmethod(AtLeastOne(tuple(RadioSample.model_fields)))


class DeviceTrip(EventData):
    """A connected device (a vehicle, a robot) finished a trip. The event time is its END, `duration_s` goes back from it.

    `waited_s` of it the device stood for a reason that it knows, such as a full station. `completed` is false where it
    gave up; absent means true.
    """

    TYPE = "io.quaystream.cell.trip.v1"

    trip_id: Word
    duration_s: TripS
    kind: Word | None = None
    laden: bool | None = None
    waited_s: NonNegative | None = None
    completed: bool | None = None


class CellAlarm(EventData):
    """An alarm raised, changed or cleared. INDETERMINATE arrives as `warning`, the original kept as an unknown field."""

    TYPE = "io.quaystream.cell.alarm.v1"

    alarm_id: Word
    condition: Word
    severity: Literal["critical", "major", "minor", "warning", "cleared"]
    interface: Word | None = None
    specific_problem: Text | None = None
    probable_cause: Text | None = None


class CellHeartbeat(EventData):
    """A sign of life; the next one is due within `interval_s`."""

    TYPE = "io.quaystream.cell.heartbeat.v1"

    interval_s: IntervalS


EVENTS: tuple[type[EventData], ...] = (CellMeasurement, RadioSample, CellAlarm, CellHeartbeat, DeviceTrip)
