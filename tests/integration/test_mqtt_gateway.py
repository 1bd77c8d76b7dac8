"""A real gateway between a real Mosquitto and a real Kafka, killed while it works: every message is stored once."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.gateways import CRANES, Gateway, reading
from tests.support.mosquitto import PASSWORD, USER, Mosquitto
from tests.support.system import System
from tests.support.waiting import wait_until

SOURCES = """
[[sources]]
kind = "mqtt"
name = "cranes"
host = "localhost"
port = {tls}
tls = true
ca_file = "{ca}"
username = "{user}"
password_file = "{password}"
client_id = "gw-07"
topics = [{{{{ topic = "cranes/#" }}}}]
"""
MESSAGES, PIECE, KILLS = 1_500, 50, 2
LETTERS = "SELECT topic, reason, key, payload, detail FROM ingest.dead_letter"
STORED = "SELECT energy_total_kwh::int FROM port.crane_sample ORDER BY 1"


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    mosquitto = Mosquitto(folder).start()
    yield mosquitto
    mosquitto.stop()


@pytest.fixture
def gateway(environment: dict[str, str], tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Gateway]:
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    sources = SOURCES.format(tls=mosquitto.tls, ca=mosquitto.ca, user=USER, password=password)
    gateway = Gateway(environment, tmp_path, sources)
    yield gateway
    gateway.end()


def publish(mosquitto: Mosquitto) -> None:
    """Readings, each with its number."""
    for first in range(0, MESSAGES, PIECE):
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        lines = [json.dumps(reading(CRANES[n % len(CRANES)], n, now)) for n in range(first, first + PIECE)]
        mosquitto.publish("cranes/all", lines)


def subscribed(gateway: Gateway) -> bool:
    return gateway.asked.metric("quaystream_mqtt_connected", connector="cranes") == 1


def test_kills_of_the_gateway_lose_and_double_nothing(system: System, mosquitto: Mosquitto, gateway: Gateway) -> None:
    system.workers.ready()
    gateway.ready()
    wait_until(lambda: subscribed(gateway), 20, "the gateway is subscribed")
    publisher = threading.Thread(target=publish, args=(mosquitto,), daemon=True)
    publisher.start()
    for _ in range(KILLS):
        before = time.monotonic()
        wait_until(lambda: taken(gateway) > 0 and time.monotonic() > before + 0.5, 30, "it is at work")  # noqa: B023
        gateway.kill()
        gateway.ready()
    publisher.join(120)
    mosquitto.publish("cranes/7", ["no event"])
    system.await_outcomes(MESSAGES + 1, 60)
    wait_until(lambda: system.database.total("ingest.dead_letter") == 1, 60, "what is no event is a dead letter")
    wait_until(lambda: system.database.total("port.crane_sample") >= MESSAGES, 60, "all are stored")
    ledger = system.verified()
    assert [row[0] for row in system.database.rows(STORED)] == list(range(MESSAGES))
    ((topic, reason, key, payload, detail),) = system.database.rows(LETTERS)
    assert (topic, reason, bytes(key), bytes(payload)) == (
        "crane-events",
        "undecodable",
        b"cranes/7",
        b"no event",
    )
    assert detail.startswith("cranes cranes/7")
    assert ledger.total("rejected") == 1
    assert system.database.value("SELECT count(*) FROM ingest.sequence_gap WHERE filled_at IS NULL") == 0
    assert gateway.stop() == 0


def taken(gateway: Gateway) -> float:
    """Events of this process; 0 while it starts."""
    return gateway.asked.metric("quaystream_connector_events_total", connector="cranes") or 0
