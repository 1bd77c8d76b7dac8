"""A gateway of a declared source with a clock of its own: a cell's sign of life every five seconds, until it is ended.

python -m deploy.monitoring.drills.clock BROKERS SECONDS_AHEAD
"""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from itertools import count

from connectors.kafka.options import KafkaAccess
from connectors.kafka.producer import Publisher
from schemas.events.cell import CellHeartbeat
from schemas.topics import TOPIC_BY_TYPE

_EVERY_S = 5.0
_SOURCE, _SUBJECT = "/vnhph/tanvu/ems-01", "VNHPH-TANVU-CELL01"
_HEADERS = (("content-type", b"application/cloudevents+json"),)


def heartbeat(now: datetime, number: int, ahead: timedelta) -> bytes:
    """What a clock that is `ahead` says at `now`, as structured JSON."""
    event = {
        "specversion": "1.0",
        "id": f"drill-{now:%Y%m%dT%H%M%S}-{number}",
        "source": _SOURCE,
        "type": CellHeartbeat.TYPE,
        "subject": _SUBJECT,
        "time": (now + ahead).isoformat(),
        "data": {"interval_s": 30},
    }
    return json.dumps(event).encode()


async def speak(brokers: str, ahead: timedelta) -> None:
    topic = TOPIC_BY_TYPE[CellHeartbeat.TYPE].name
    async with Publisher(KafkaAccess(brokers)) as publisher:
        for number in count():
            await publisher.send(topic, _SUBJECT.encode(), heartbeat(datetime.now(UTC), number, ahead), _HEADERS)
            await publisher.flush()
            await asyncio.sleep(_EVERY_S)


if __name__ == "__main__":
    asyncio.run(speak(sys.argv[1], timedelta(seconds=float(sys.argv[2]))))
