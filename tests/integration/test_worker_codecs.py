"""Events reach the database whatever producer sent them and however it compressed them."""

import json
import subprocess

import pytest

from deploy.local.packages import need
from deploy.local.part import quiet
from tests.support.events import CONTENT_TYPE, binary, numbered, structured
from tests.support.system import System


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_is_read(system: System, codec: str) -> None:
    events = [numbered(n) for n in range(1, 301)]
    system.send(*map(structured, events[:150]), *map(binary, events[150:]), compression_type=codec)
    system.workers.ready()
    ledger = system.verified()
    assert ledger.total("accepted") == len(events)
    assert system.database.total("port.crane_sample", "load_t = 20.5 AND wind_mps = 6.25") == len(events)
