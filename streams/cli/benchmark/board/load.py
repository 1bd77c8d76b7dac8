"""The port that speaks meanwhile: samples, readings, steps and statuses of every asset of many sites, at a fixed rate.

Open loop, a program of its own: every 10 ms what is due by then is handed to the broker, whatever anybody else does.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, cycle
from typing import Any, Final, NamedTuple

from connectors.kafka.options import KafkaAccess
from schemas.reference import Asset
from schemas.reference.trial import trial_sites
from schemas.topics import TOPIC_BY_TYPE
from streams.cli.benchmark.generator import open_producer
from streams.cli.benchmark.program import read_task, say
from streams.cli.benchmark.workload import Record, rfc3339

TICK_S: Final = 0.01
_MASK: Final = 0xFFFF_FFFF
_STEPS: Final = (
    *(("queue_entered", "driver"), ("lane_entered", "system"), ("document_checked", "customs")),
    *(("barrier_opened", "system"), ("gate_left", "driver")),
)


class Kind(NamedTuple):
    """`share` of every 100 records, of which assets, and an event's data as JSON: of its number of that asset."""

    what: str
    share: int
    of: str
    data: Callable[[int], str]


def _sample(n: int) -> str:
    mixed = (n * 2_654_435_761) & _MASK
    return (
        f'{{"hoist_position_m":{mixed % 4_000 / 100},"load_t":{mixed % 5_000 / 100},'
        f'"wind_mps":{mixed % 150 / 10},"power_kw":{mixed % 900}}}'
    )


def _radio(n: int) -> str:
    mixed = (n * 2_654_435_761) & _MASK
    return (
        f'{{"rsrp_dbm":{-70 - mixed % 200 / 10},"sinr_db":{12 + mixed % 100 / 10},"rtt_ms":{5 + mixed % 90 / 10},'
        f'"loss_ratio":0.0001,"handover":false,"five_qi":82}}'
    )


def _step(n: int) -> str:
    visit, place = divmod(n, len(_STEPS))
    step, actor = _STEPS[place]
    return (
        f'{{"visit_id":"V-{visit:07d}","lane":"IN1","direction":"in","step":"{step}","actor":"{actor}",'
        f'"manual":{"true" if actor == "customs" else "false"},"result":"ok"}}'
    )


def _status(n: int) -> str:
    return '{"status":"working"}' if n % 2 else '{"status":"idle"}'


KINDS: Final = (
    Kind("crane.sample", 60, "crane", _sample),
    Kind("cell.radio", 36, "device", _radio),
    Kind("gate.step", 3, "gate", _step),
    Kind("crane.status", 1, "crane", _status),
)
# Coprime to 100, so that kinds alternate instead of coming in blocks.
_STRIDE: Final = 37


@dataclass(slots=True)
class Stream:
    """One kind of event of one asset, numbered from 1 in its boot."""

    kind: Kind
    topic: str
    key: bytes
    head: str
    number: int = 0

    def next(self, time_us: int) -> Record:
        """Its next event, dated `time_us`."""
        self.number += 1
        text = f'{self.head}{self.number}","sequence":"{self.number:08d}","time":"{rfc3339(time_us)}","data":{self.kind.data(self.number)}}}'
        return Record(self.topic, self.key, text.encode())


def streams_of(assets: Sequence[Asset], kind: Kind, boot: str) -> Iterator[Stream]:
    """Every asset's stream of a kind, in turn, for ever."""
    type_ = f"io.quaystream.{kind.what}.v1"
    topic = TOPIC_BY_TYPE[type_].name
    made = []
    for asset in assets:
        source = asset.gateways[0]
        head = (
            f'{{"specversion":"1.0","type":"{type_}","source":"{source}","subject":"{asset.asset_id}",'
            f'"bootid":"{boot}","id":"{boot}-{kind.what}-{asset.asset_id}-'
        )
        made.append(Stream(kind, topic, asset.asset_id.encode(), head))
    return cycle(made)


def turns(sites: int, boot: str) -> Iterator[Stream]:
    """Whose turn it is, by the shares of the kinds."""
    assets = [asset for site in trial_sites(sites) for asset in site.assets]
    by_kind = [streams_of([a for a in assets if a.kind == kind.of], kind, boot) for kind in KINDS]
    places = [streams for kind, streams in zip(KINDS, by_kind, strict=True) for _ in range(kind.share)]
    return (next(places[number * _STRIDE % 100]) for number in count())


async def speak(task: dict[str, Any]) -> int:
    """Send for `seconds` at `rate`; how many were sent."""
    due, sent = turns(task["sites"], task["boot"]), 0
    async with open_producer(KafkaAccess(task["brokers"])) as producer:
        start = time.monotonic()
        while (now_s := time.monotonic() - start) < task["seconds"]:
            for _ in range(int(now_s * task["rate"]) - sent):
                record = next(due).next(time.time_ns() // 1_000)
                await producer.send(record.topic, record.value, record.key)
                sent += 1
            await asyncio.sleep(TICK_S)
        await producer.flush()
    return sent


def main() -> None:
    """The program: speak, then say how much."""
    task = read_task()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    say(f"sent {asyncio.run(speak(task))}")


if __name__ == "__main__":
    main()
