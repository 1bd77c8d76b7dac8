"""What a decoder gives as a gateway offers it to its spool: the same events, and the undecoded as events that say so.

A spool holds events only. What is none becomes an event around its bytes, and the attribute `undecoded` says why: the
worker refuses it as any event whose data no model takes, and keeps these words in its dead letter.
"""

import base64
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from connectors.edge.event import Offered
from connectors.kafka.outgoing import time_text
from connectors.network.decoded import MEASUREMENT, Decoded, Undecoded
from connectors.network.records import Made, Origin, made
from connectors.network.subjects import Subjects

TOPIC: Final = "cell-events"
_MOST_RAW: Final = 600 * 1024  # as base64 with an envelope still an event that a spool takes
_MOST_DETAIL: Final = 1_000


def offers(decoded: Iterable[Decoded | Undecoded], origin: Origin, subjects: Subjects) -> Iterator[Offered]:
    """In order. Ids, `bootid` and `sequence` follow from the origin, so the same origin again is stored once."""
    return (_offered(one, origin, subjects) for one in made(decoded, origin, subjects))


def _offered(one: Made, origin: Origin, subjects: Subjects) -> Offered:
    event = dict(one.event) if one.event is not None else _around(one, origin, subjects)
    if one.undecoded is not None:
        event["undecoded"] = one.undecoded[:_MOST_DETAIL]
        # What has no time of its own is of now: a worker looks at it before it looks at the data.
        event.setdefault("time", time_text(datetime.now(UTC)))
    return Offered(event, TOPIC)


def _around(one: Made, origin: Origin, subjects: Subjects) -> dict[str, Any]:
    part = base64.b64encode(one.raw[:_MOST_RAW]).decode()
    data = {"why": one.undecoded, "part_base64": part, "bytes": len(one.raw)}
    head = {"specversion": "1.0", "id": f"{origin.name}-{one.position}", "source": origin.source, "type": MEASUREMENT}
    return {**head, "subject": subjects.of("undecoded", None), "data": data}
