"""What the board's API answers: the port as it stands now, as values. schemas/generate/openapi.py describes it from here.

An unknown number is null, never 0 and never the last one known; `heard_at` says how old a thing's word is.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

SILENT_S: Final = 300
"""A crane, gate or device not heard of for so long is unknown (as in streams/facts/crane_status.py)."""
STRIP_MINUTES: Final = 30
WINDOW_MINUTES: Final = 60

Id = Annotated[str, Meta(description="The subject of its events: site and asset.", examples=["VNHPH-TANVU-STS03"])]
Name = Annotated[str, Meta(description="What people call it; its id where nobody declared a name.")]
Heard = Annotated[
    datetime | None,
    Meta(description="The newest event time stored of it, exact to the poll; null when nothing was heard for a day."),
]
Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0, description="Seconds.")]
Rate = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]

CraneStatus = Literal["fault", "working", "idle", "standby", "on", "off", "unknown"]
Severity = Literal["critical", "major", "minor", "warning", "error", "info"]


class Fault(Struct, frozen=True, kw_only=True):
    """An active fault of a crane that stops its work."""

    code: str
    severity: Severity
    since: datetime


class Crane(Struct, frozen=True, kw_only=True):
    """A crane. `fault` outranks what it says it does, `unknown` outranks all: it was silent for five minutes."""

    asset: Id
    name: Name
    type: Annotated[str | None, Meta(description="STS, RTG …")]
    status: CraneStatus
    status_since: datetime | None
    fault: Fault | None
    boxes: Annotated[Count, Meta(description="Boxes of the cycles that ended within the window.")]
    observed_minutes: Annotated[Count, Meta(description="Minutes of the window in which it was heard.")]
    box_per_h: Annotated[
        float | None, Meta(description="Boxes ÷ observed time; null with less than ten minutes to say it of.")
    ]
    load_t_max: Annotated[float | None, Meta(description="Heaviest load of its newest minute, tonnes.")]
    wind_mps_max: Annotated[float | None, Meta(description="Strongest wind of its newest minute, m/s.")]
    heard_at: Heard


class Gate(Struct, frozen=True, kw_only=True):
    """A gate: who waits now, and the visits that went in within the window."""

    asset: Id
    name: Name
    waiting: Annotated[Count, Meta(description="Trucks that queue or are being handled, not yet let in.")]
    longest_wait_s: Annotated[Seconds | None, Meta(description="How long the first of them has waited, seconds.")]
    visits: Annotated[Count, Meta(description="Visits let in within the window.")]
    touch_points: Annotated[float | None, Meta(description="Touch points per visit, mean.")]
    manual_touch_points: Annotated[float | None, Meta(description="Those of them by hand, mean.")]
    turn_time_s: Annotated[Seconds | None, Meta(description="In to out of those that left within the window, median.")]
    exceptions: Count
    heard_at: Heard


class Profile(Struct, frozen=True, kw_only=True):
    """Minutes of a device within the window against one SLA profile."""

    profile: str
    target: Share
    good: Count
    bad: Count


class Device(Struct, frozen=True, kw_only=True):
    """A device of the private 5G network."""

    asset: Id
    name: Name
    type: str | None
    carried_by: Annotated[str | None, Meta(description="The crane it rides on.")]
    state: Annotated[
        Literal["in", "out", "unknown"],
        Meta(description="The newest judged minute against all its profiles; unknown when it was silent."),
    ]
    strip: Annotated[
        str,
        Meta(
            description="Its last 30 minutes, oldest first: i all profiles kept, o one was not, u unknown.",
            pattern="^[iou]{30}$",
        ),
    ]
    strip_until: Annotated[datetime, Meta(description="Where the strip ends.")]
    profiles: list[Profile]
    rsrp_dbm: Annotated[float | None, Meta(description="Mean of its newest minute.")]
    sinr_db_min: float | None
    rtt_ms_max: Annotated[float | None, Meta(description="Slowest round trip of its newest minute, ms.")]
    heard_at: Heard


class Alarm(Struct, frozen=True, kw_only=True):
    """An alarm of the network, or a fault of a crane, that is active now."""

    asset: Id
    kind: Literal["cell", "crane"]
    severity: Severity
    what: Annotated[str, Meta(description="The condition or fault code as it was sent.")]
    detail: str | None
    since: datetime


class Call(Struct, frozen=True, kw_only=True):
    """A ship alongside."""

    call_id: str
    berth: str | None
    berthed_at: datetime
    is_working: Annotated[bool, Meta(description="Cargo has been started and not completed.")]


class Completeness(Struct, frozen=True, kw_only=True):
    """Numbered events stored ÷ counted by their gateways, of the boots heard within an hour; null where none is numbered."""

    value: Share | None
    received: Count | None
    expected: Count | None


class Site(Struct, frozen=True, kw_only=True):
    """A terminal or factory."""

    site: Annotated[str, Meta(examples=["VNHPH-TANVU"])]
    name: Name
    utc_offset_s: int
    heard_at: Heard
    cranes: list[Crane]
    gates: list[Gate]
    devices: list[Device]
    alarms: Annotated[list[Alarm], Meta(description="The worst first; at most 50.")]
    alarms_total: Count
    calls: list[Call]
    completeness: Completeness


class Pipeline(Struct, frozen=True, kw_only=True):
    """What the workers did."""

    accepted: Count
    duplicate: Count
    rejected: Count
    missing: Count
    records_per_s: Annotated[Rate | None, Meta(description="Between the last two looks; null at the first.")]
    committed_at: Annotated[datetime | None, Meta(description="When a worker last committed.")]


class Port(Struct, frozen=True, kw_only=True):
    """Everything, as of `at`: the database's clock when it was read."""

    at: datetime
    pipeline: Pipeline
    sites: list[Site]


class Change(Struct, frozen=True, kw_only=True):
    """One event of the stream: of `sites` only those that are not as they were in the event before."""

    at: datetime
    pipeline: Pipeline
    sites: list[Site]
    whole: Annotated[bool, Meta(description="All sites are here: forget what you had.")]


class Problem(Struct, frozen=True, kw_only=True):
    """What went wrong (RFC 9457)."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
