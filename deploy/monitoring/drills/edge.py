"""What comes of trouble before the broker: a gateway whose clock is wrong, or modems that fade. Speaks until it is ended.

python -m deploy.monitoring.drills.edge clock BROKERS SECONDS_AHEAD
python -m deploy.monitoring.drills.edge fade BROKERS
"""

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

from connectors.kafka.options import KafkaAccess
from connectors.kafka.producer import Publisher
from schemas.events.cell import CellHeartbeat, RadioSample
from schemas.reference import Asset, load_sites
from schemas.topics import TOPIC_BY_TYPE

_HEADERS = (("content-type", b"application/cloudevents+json"),)
_SITE = "VNHPH-TANVU"
_BEATS = timedelta(seconds=5)
_READS = timedelta(seconds=0.5)
# Beyond what docs/reference/sla.md asks of any control link.
_FADED = {"rsrp_dbm": -110.0, "sinr_db": -2.0, "rtt_ms": 95.0, "loss_ratio": 0.03, "handover": False, "five_qi": 82}


class Said(NamedTuple):
    """An event that is sent at `at`, by the asset's declared gateway, and says that it is of `time`."""

    at: datetime
    time: datetime
    type: str
    asset: Asset
    data: dict[str, Any]

    def record(self, number: int) -> bytes:
        """As structured JSON."""
        event = {
            "specversion": "1.0",
            "id": f"drill-{self.at:%Y%m%dT%H%M%S}-{number}",
            "source": self.asset.gateways[0],
            "type": self.type,
            "subject": self.asset.asset_id,
            "time": self.time.isoformat(),
            "data": self.data,
        }
        return json.dumps(event).encode()


def assets(kind: str) -> list[Asset]:
    return [asset for site in load_sites() if site.site_id == _SITE for asset in site.assets if asset.kind == kind]


def beats(start: datetime, ahead: timedelta) -> Iterator[Said]:
    """A cell's signs of life by a gateway whose clock is `ahead`."""
    cell = assets("cell")[0]
    for number in count():
        at = start + number * _BEATS
        yield Said(at, at + ahead, CellHeartbeat.TYPE, cell, {"interval_s": 30})


def fades(start: datetime) -> Iterator[Said]:
    """Readings of the modems of the site's quay cranes, in one deep fade all the time."""
    modems = [asset for asset in assets("device") if asset.carried_by and "-STS" in asset.carried_by]
    for number in count():
        at = start + number * _READS
        yield from (Said(at, at, RadioSample.TYPE, modem, _FADED) for modem in modems)


async def speak(brokers: str, told: Iterable[Said]) -> None:
    """Send each when its time has come."""
    async with Publisher(KafkaAccess(brokers)) as publisher:
        for number, said in enumerate(told):
            await asyncio.sleep(max((said.at - datetime.now(UTC)).total_seconds(), 0))
            topic = TOPIC_BY_TYPE[said.type].name
            await publisher.send(topic, said.asset.asset_id.encode(), said.record(number), _HEADERS)


def main(trouble: str, brokers: str, *options: str) -> None:
    now = datetime.now(UTC)
    told = fades(now) if trouble == "fade" else beats(now, timedelta(seconds=float(options[0])))
    asyncio.run(speak(brokers, told))


if __name__ == "__main__":
    main(*sys.argv[1:])
