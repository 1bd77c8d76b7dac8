"""Events reach the database whatever producer sent them and however it compressed them."""

import json
import subprocess

import pytest

from deploy.local.packages import need
from deploy.local.part import quiet
from tests.support.events import binary, numbered, structured
from tests.support.system import System

EVENTS = 300


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_is_read(system: System, codec: str) -> None:
    events = [numbered(n) for n in range(1, EVENTS + 1)]
    half = EVENTS // 2
    system.send(*map(structured, events[:half]), *map(binary, events[half:]), compression_type=codec)
    system.workers.ready()
    assert system.verified().total("accepted") == EVENTS
    assert system.database.total("port.crane_sample", "load_t = 20.5 AND wind_mps = 6.25") == EVENTS


def test_kcat_is_a_producer_like_any_other(system: System) -> None:
    need({"kcat": "kcat"}, quiet)
    lines = "".join(json.dumps(numbered(n)) + "\n" for n in range(1, EVENTS + 1))
    header = "content-type=application/cloudevents+json"
    kcat = ["kcat", "-P", "-b", system.broker.brokers, "-t", "crane-events", "-H", header, "-z", "lz4"]
    subprocess.run(kcat, input=lines.encode(), check=True, timeout=30)
    system.workers.ready()
    assert system.verified().total("accepted") == EVENTS
