"""What a decoder of network data gives: events still without envelope, and the parts it could not decode."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

MEASUREMENT: Final = "io.quaystream.cell.measurement.v1"
ALARM: Final = "io.quaystream.cell.alarm.v1"
HEARTBEAT: Final = "io.quaystream.cell.heartbeat.v1"


@dataclass(frozen=True, slots=True)
class Decoded:
    """One event: its type, the network element (and measured object) it is about, when it happened, its data."""

    type: str
    element: str
    time: datetime
    data: Mapping[str, Any]

    @property
    def object(self) -> str | None:
        """The measured object, where there is one."""
        found = self.data.get("object")
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Undecoded:
    """What could not be decoded, and why, to be sent on as it is: the worker refuses it and keeps it.

    With a `type` it becomes an event of that type whose data is `{why, part}`, which no model takes: `invalid_data`, or
    `unknown_type` where nobody declares the type. Without, `part` is bytes and the record is these bytes:
    `undecodable`, or `not_cloudevent` where they are JSON.
    """

    why: str
    part: Any
    type: str | None = None
    element: str | None = None
    time: datetime | None = None


class RefusedPartError(Exception):
    """Why a part is not decoded; never leaves a decoder."""
