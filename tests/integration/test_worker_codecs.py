"""Events reach the database whatever producer sent them and however it compressed them."""

import json
import subprocess

from deploy.local.kafka import tool
from deploy.local.packages import need
from deploy.local.part import quiet
from tests.support.events import binary, numbered, structured
from tests.support.system import System

EVENTS = 300
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def test_every_codec_is_read(system: System) -> None:
    half = EVENTS // 2
    for codec in CODECS:
        events = [numbered(n, bootid=codec) for n in range(1, EVENTS + 1)]
        system.send(*map(structured, events[:half]), *map(binary, events[half:]), compression_type=codec)
    system.workers.ready()
    system.verified()
    stored = "SELECT bootid, count(*) FROM port.crane_sample WHERE load_t = 20.5 AND wind_mps = 6.25 GROUP BY bootid"
    assert dict(system.database.rows(stored)) == dict.fromkeys(CODECS, EVENTS)


def test_kcat_is_a_producer_like_any_other(system: System) -> None:
    need({"kcat": "kcat"}, quiet)
    lines = "".join(json.dumps(numbered(n)) + "\n" for n in range(1, EVENTS + 1))
    header = "content-type=application/cloudevents+json"
    kcat = ["kcat", "-P", "-b", system.broker.brokers, "-t", "crane-events", "-H", header, "-z", "lz4"]
    subprocess.run(kcat, input=lines.encode(), check=True, timeout=30)
    system.workers.ready()
    assert system.verified().total("accepted") == EVENTS


def test_what_kafkas_verifiable_producer_had_acknowledged_is_in_the_ledger_once(system: System) -> None:
    sent = ("--topic", "crane-events", "--max-messages", str(EVENTS), "--acks", "-1", "--value-prefix", "7")
    command = tool("VerifiableProducer", "--bootstrap-server", system.broker.brokers, *sent)
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    acknowledged = [line["value"].encode() for line in told if line["name"] == "producer_send_success"]
    assert len(acknowledged) == EVENTS
    system.workers.ready()
    ledger = system.verified()
    # It sends numbers, "7.0" and on, which are no CloudEvents: each is refused once, and kept as it came.
    assert (ledger.total("accepted"), ledger.total("rejected")) == (0, EVENTS)
    kept = system.database.rows("SELECT payload, reason FROM ingest.dead_letter")
    assert sorted(kept) == sorted((value, "not_cloudevent") for value in acknowledged)
