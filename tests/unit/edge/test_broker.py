"""What librdkafka reports, in our words: by its codes, and as a real connection gives them."""

import asyncio
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import KafkaError

from connectors.edge.broker import SENTENCES, Broker, Trouble, meaning
from connectors.edge.row import Row
from connectors.kafka.options import KafkaAccess, Sasl, Tls, librdkafka_options
from schemas.errors import ConfigurationError

ROW = Row(1, 0.0, "crane-events", "VNHPH-TANVU-STS01", b"{}")


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (KafkaError._ALL_BROKERS_DOWN, "away"),
        (KafkaError._MSG_TIMED_OUT, "away"),
        (KafkaError._SSL, "certificate"),
        (KafkaError._AUTHENTICATION, "credentials"),
        (KafkaError.SASL_AUTHENTICATION_FAILED, "credentials"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "not_allowed"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "no_topic"),
        (KafkaError.MSG_SIZE_TOO_LARGE, "refused"),
        (KafkaError.BROKER_NOT_AVAILABLE, "other"),
    ],
)
def test_a_code_has_a_meaning_and_the_meaning_a_sentence(code: int, trouble: Trouble) -> None:
    assert meaning(KafkaError(code)) == trouble
    assert SENTENCES[trouble]


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate of 127.0.0.1, its key in the same file."""
    file = folder / f"{name}.pem"
    key = folder / f"{name}.key"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}"]
    more = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(file)]
    subprocess.run([*made, *more], check=True, capture_output=True, timeout=30)
    file.write_text(file.read_text() + key.read_text())
    return file


async def until(broker: Broker, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            broker.poll()
            await asyncio.sleep(0.02)


async def test_a_certificate_we_do_not_trust_is_told_as_such_and_the_event_is_not_delivered(tmp_path: Path) -> None:
    theirs, other = certificate(tmp_path, "theirs"), certificate(tmp_path, "other")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(theirs)
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    heard: list[Trouble] = []
    broker = Broker(
        KafkaAccess(f"127.0.0.1:{port}", "tls", tls=Tls(ca_file=other)), 2.0, lambda kind, _: heard.append(kind)
    )
    assert broker.send(ROW)
    await until(broker, lambda: "certificate" in heard)
    assert broker.delivered == []
    broker.abandon()
    assert [failure.position for failure in broker.failed] == [1]
    broker.abandon()
    server.close()


async def test_a_listener_that_accepts_and_hangs_is_told_after_the_timeout_and_asked_again() -> None:
    asked: list[object] = []
    heard: list[Trouble] = []
    server = await asyncio.start_server(lambda _r, writer: asked.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    broker = Broker(KafkaAccess(f"127.0.0.1:{port}"), 1.0, lambda kind, _: heard.append(kind))
    assert broker.send(ROW)
    await until(broker, lambda: "away" in heard and len(asked) > 1)
    assert (broker.delivered, broker.failed) == ([], [])
    broker.abandon()
    server.close()


def test_options_of_scram_over_tls(tmp_path: Path) -> None:
    (tmp_path / "username").write_text("gw-03\n")
    (tmp_path / "password").write_text("correct horse\n")
    ca = certificate(tmp_path, "authority")
    access = KafkaAccess(
        "kafka:9093", "scram", Sasl("SCRAM-SHA-512", tmp_path / "username", tmp_path / "password"), Tls(ca_file=ca)
    )
    assert librdkafka_options(access) == {
        "bootstrap.servers": "kafka:9093",
        "security.protocol": "SASL_SSL",
        "ssl.endpoint.identification.algorithm": "https",
        "ssl.ca.location": str(ca),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "gw-03",
        "sasl.password": "correct horse",
    }


def test_a_file_that_is_no_certificate_is_said_before_connecting(tmp_path: Path) -> None:
    bad = tmp_path / "ca.pem"
    bad.write_text("no certificate")
    with pytest.raises(ConfigurationError, match="QUAYSTREAM_CA_FILE"):
        librdkafka_options(KafkaAccess("kafka:9093", "tls", tls=Tls(ca_file=bad)))
