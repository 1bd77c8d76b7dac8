"""What a reader of messages gives: events, and the parts it could not make events of."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

CARGO: Final = "io.quaystream.cargo.milestone.v1"
GATE: Final = "io.quaystream.gate.step.v1"
VESSEL: Final = "io.quaystream.vessel.milestone.v1"


class Told(NamedTuple):
    """One event: `type`, `subject`, `time` (RFC 3339), `data`, mostly `id` and `source`; and where in the file it stood.

    Without an `id` it is numbered by whoever sends it. Not checked against its model yet.
    """

    event: dict[str, Any]
    place: str


class Untold(NamedTuple):
    """A part that becomes no event, why, and its bytes, to be kept as they are."""

    why: str
    place: str
    part: bytes


Said = Told | Untold
# The content of a file, and where to count what carries nothing for us; never raises, whatever the bytes are.
Decode = Callable[[bytes, Counter[str]], Iterator[Said]]


class RefusedPartError(Exception):
    """Why a part becomes no event; never leaves a reader."""
