"""What lets a gateway and a worker in is wrong, runs out or is taken away: one clear line, and nothing lost once mended.

One gateway, one worker, one database for the whole file; every test leaves them at work. What was posted is counted
in the raw table: each event once.
"""

import json
import secrets
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from deploy.local import rights
from deploy.local.certificates import Authority
from schemas.signing import Key, read_key
from tests.integration.test_gateway import post
from tests.support.events import event
from tests.support.gateways import Gateway
from tests.support.secured import Clients, Secured
from tests.support.waiting import wait_until
from tests.support.worker import Worker, Workers, with_settings

pytestmark = pytest.mark.timeout(900)
WITHIN_S = 180.0
STARTED_OVER = "starting over"
HTTP = """
[[sources]]
kind = "http"
name = "http"
port = {port}
"""


class Plant:
    """Events go in over HTTP and come out as rows."""

    def __init__(self, secured: Secured, folder: Path) -> None:
        self.secured = secured
        by_password = {"brokers": secured.stack.status().brokers, "kafka_security": "scram", "web_port": None}
        files = {
            "username_file": secured.accounts.name_file("worker"),
            "password_file": secured.accounts.password_file("worker"),
        }
        self.workers = Workers(
            with_settings(secured.environment("worker"), {**by_password, **files, "session_timeout": "6s"}), folder
        )
        self.gateway = Gateway(secured.environment("gateway-01"), folder, HTTP, timeout="3s")
        self.told: list[str] = []
        self._run = secrets.token_hex(4)

    def start(self) -> None:
        self.gateway.ready()
        self.worker = self.workers.start().await_ready(WITHIN_S)

    def post(self) -> None:
        """One event more; the gateway must take it whatever is the matter with Kafka."""
        self.told.append(f"{self._run}-{len(self.told)}")
        assert post(self.gateway, [event(id=self.told[-1])]) == 202

    def stored(self) -> tuple[int, int]:
        """Rows of what was posted, and how many events these are."""
        query = "SELECT count(*), count(DISTINCT event_id) FROM port.crane_sample WHERE event_id = ANY(%s)"
        with psycopg.connect(str(self.secured.stack.status().database_url)) as connection:
            rows = connection.execute(query, (self.told,)).fetchone()
        assert rows is not None
        return int(rows[0]), int(rows[1])

    def await_stored(self) -> None:
        """Until all that was posted is stored, each once."""
        wait_until(lambda: self.stored()[1] == len(self.told), WITHIN_S, "everything is stored")
        assert self.stored() == (len(self.told), len(self.told))

    def await_ready(self) -> None:
        self.worker.await_ready(WITHIN_S)

    def await_refusal(self, words: str, worker: Worker | None = None) -> None:
        """Until the worker says so in its log and to who asks whether it is ready; it never ends or shows a traceback."""
        asked = worker or self.worker
        wait_until(lambda: asked.page("/readyz")[0] == 503 and words in asked.page("/readyz")[1], WITHIN_S, words)
        assert asked.is_running()
        assert asked.page("/livez")[0] == 200
        wait_until(lambda: words in asked.log(), WITHIN_S, f"the log says: {words}")
        assert "Traceback" not in asked.log()

    def await_trouble(self, trouble: str, sentence: str) -> None:
        """Until the gateway counts it once more, while events go on to come."""
        counted = partial(self.gateway.asked.metric, "quaystream_gateway_troubles_total", trouble=trouble)
        before = counted()

        def told() -> bool:
            self.post()
            return counted() > before

        wait_until(told, WITHIN_S, f"the gateway has {trouble}")
        assert sentence in self.gateway.log()
        assert "Traceback" not in self.gateway.log()

    def end(self) -> None:
        self.gateway.end()
        for worker in self.workers.started:
            if worker.is_running():
                worker.stop(WITHIN_S)


@pytest.fixture(scope="module")
def plant(secured: Secured, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    secured.broker.reset()
    plant = Plant(secured, tmp_path_factory.mktemp("plant"))
    try:
        plant.start()
        yield plant
    finally:
        plant.end()


@pytest.fixture(autouse=True)
def at_work(plant: Plant) -> None:
    """Before each test everything flows."""
    plant.post()
    plant.await_stored()
    plant.await_ready()


def test_a_spoofed_source_is_refused(secured: Secured, plant: Plant) -> None:
    """By name and password a gateway may write; speak for another it may not."""
    key = Key(read_key(secured.accounts.signing_key_file("gateway-01")))
    spoofed = event(source="/vnhph/tanvu/gw-02")
    value = json.dumps(spoofed).encode()
    headers = [("content-type", b"application/cloudevents+json")]
    producer = Clients(secured.options("gateway-01")).producer
    producer.produce("crane-events", value, headers=[*headers, ("qs-signature", key.signature_of(value, headers))])
    assert producer.flush(20) == 0

    query = "SELECT DISTINCT reason FROM ingest.dead_letter WHERE event_id = %s"

    def reasons() -> list[tuple[str, ...]]:
        with psycopg.connect(str(secured.stack.status().database_url)) as connection:
            return connection.execute(query, (spoofed["id"],)).fetchall()

    wait_until(reasons, WITHIN_S, "it is a dead letter")
    assert reasons() == [("source_refused",)]
    assert plant.worker.metric("quaystream_records_total", reason="source_refused") >= 1


def test_who_starts_with_the_wrong_authority_says_so(secured: Secured, plant: Plant, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other").create().cert

    def refused(**settings: object) -> str:
        worker = plant.workers.start(**settings)
        assert worker.ended(WITHIN_S) == 2
        (line,) = [line for line in worker.log().splitlines() if line.strip()]
        return line

    line = refused(ca_file=other)
    assert line.startswith("quaystream: the certificate of Kafka at 127.0.0.1:")
    assert "QUAYSTREAM_CA_FILE" in line
    url = urlsplit(secured.environment("worker")["QUAYSTREAM_DATABASE_URL"])
    wrong = url._replace(query=f"sslmode=verify-full&sslrootcert={other}").geturl()
    line = refused(database_url=wrong)
    assert line.startswith("quaystream: the certificate of the database at quaystream_worker@127.0.0.1:")
    assert "sslrootcert" in line


def test_a_gateway_with_the_wrong_authority_keeps_all_until_it_has_the_right_one(
    secured: Secured, plant: Plant, tmp_path: Path
) -> None:
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(Authority(tmp_path, "other").create().cert.read_bytes())
    plant.gateway.kill()
    plant.gateway._environment = with_settings(plant.gateway._environment, {"ca_file": trusted})
    plant.gateway.ready()
    plant.await_trouble("certificate", "Kafka's certificate or ours is not accepted")
    assert plant.stored()[1] < len(plant.told)
    trusted.write_bytes(secured.keyring.bundle.read_bytes())
    plant.await_stored()
    plant.gateway._environment = with_settings(plant.gateway._environment, {"ca_file": secured.keyring.bundle})
    assert plant.gateway.stop() == 0
    plant.gateway.ready()


def test_an_expired_certificate_of_kafka_is_waited_out(secured: Secured, plant: Plant, tmp_path: Path) -> None:
    keystore = secured.keyring.keystore("broker")
    good = keystore.read_text()
    expired = authority_beside(secured, tmp_path).signed("broker", days=-1)
    admin = secured.broker.admin
    try:
        keystore.write_text(expired.key.read_text() + expired.cert.read_text())
        rights.reload_certificates(admin, ["scram"])
        plant.await_refusal("certificate has expired")
        # A gateway's connection outlives the certificate it began with.
        plant.gateway.kill()
        plant.gateway.ready()
        plant.await_trouble("certificate", "Kafka's certificate or ours is not accepted")
    finally:
        keystore.write_text(good)
        rights.reload_certificates(admin, ["scram"])
    plant.await_stored()
    plant.await_ready()


def authority_beside(secured: Secured, folder: Path) -> Authority:
    """The stack's own, in a folder where it replaces nobody's certificate."""
    (cert,) = secured.keyring.folder.glob("authority-*-ca.pem")
    authority = Authority(folder, cert.name.removesuffix("-ca.pem"))
    authority.cert.write_bytes(cert.read_bytes())
    authority.key.write_bytes(cert.with_suffix(".key").read_bytes())
    return authority


def test_passwords_rotated_at_kafka_are_taken_up(secured: Secured, plant: Plant) -> None:
    for name in ("worker", "gateway-01"):
        set_password(secured, name, "another one")
    plant.await_refusal("does not accept our name and password")
    plant.await_trouble("credentials", "Kafka does not accept our name and password")
    for name in ("worker", "gateway-01"):
        secured.accounts.password_file(name).write_text("another one\n")
    plant.await_stored()
    wait_until(lambda: STARTED_OVER in plant.worker.log(), WITHIN_S, "the worker has read its files again")
    plant.await_ready()
    secured.stack.change_password("worker")
    secured.stack.change_password("gateway-01")
    plant.post()
    plant.await_stored()


def set_password(secured: Secured, name: str, password: str) -> None:
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    change = UserScramCredentialUpsertion(name, info, password.encode())
    for done in secured.broker.admin.alter_user_scram_credentials([change]).values():
        done.result(30)


def test_a_password_rotated_at_the_database_is_taken_up(secured: Secured, plant: Plant) -> None:
    file = secured.home.secret_file("worker")
    secured.superuser("ALTER ROLE quaystream_worker PASSWORD 'another one'")
    secured.superuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'quaystream_worker'")
    plant.post()
    plant.await_refusal("credentials")
    assert plant.worker.metric("quaystream_commit_retries_total", cause="credentials") > 0
    file.write_text("another one\n")
    plant.await_stored()
    plant.await_ready()
    secured.stack.change_password("quaystream_worker")


def test_who_is_revoked_is_out_and_nothing_is_lost_when_he_is_back(secured: Secured, plant: Plant) -> None:
    file = secured.accounts.file
    everybody = file.read_text()
    left = {name: body for name, body in yaml.safe_load(everybody).items() if name not in ("worker", "gateway-01")}
    file.write_text(yaml.safe_dump(left))
    try:
        secured.stack.up(["kafka"])
        plant.await_refusal("does not")
        told = lambda: plant.post() or "kafka_trouble" in plant.gateway.log()[-1000:]  # noqa: E731
        wait_until(told, WITHIN_S, "the gateway says that it is out")
    finally:
        file.write_text(everybody)
        secured.stack.up(["kafka"])
    # It looks at a topic that was not for it again after half a minute, and at once when it is started.
    plant.gateway.kill()
    plant.gateway.ready()
    plant.await_stored()
    plant.await_ready()


def test_certificates_are_rotated_without_loss(secured: Secured, plant: Plant, tmp_path: Path) -> None:
    """A new authority beside the old one, everything by it, the old one forgotten; events come all the time."""
    old = tmp_path / "old.pem"
    old.write_bytes(secured.keyring.bundle.read_bytes())
    both = [plant.worker, plant.workers.start(**mtls(secured)).await_ready(WITHIN_S)]
    for step, followers in {"trust": both, "issue": both[1:], "forget": both}.items():
        begun = [worker.log().count(STARTED_OVER) for worker in followers]
        secured.stack.renew(step)

        def followed(followers: Sequence[Worker] = followers, begun: Sequence[int] = begun) -> bool:
            plant.post()
            return all(w.log().count(STARTED_OVER) > n for w, n in zip(followers, begun, strict=True))

        wait_until(followed, WITHIN_S, f"workers have followed: {step}")
        for worker in followers:
            worker.await_ready(WITHIN_S)
        plant.await_stored()
    secured.forget_clients()
    with pytest.raises(KafkaException):
        Clients({**secured.options("operator"), "ssl.ca.location": str(old)}).admin.list_topics(timeout=3)
    assert all("Traceback" not in worker.log() for worker in both)


def mtls(secured: Secured) -> dict[str, object]:
    """The settings of a worker that shows its certificate, beside the one with a password."""
    given = secured.environment("worker")
    names = ("BROKERS", "KAFKA_SECURITY", "CERT_FILE", "KEY_FILE")
    return {
        **{name.lower(): given[f"QUAYSTREAM_{name}"] for name in names},
        "username_file": None,
        "password_file": None,
    }
