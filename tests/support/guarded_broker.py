"""A Kafka of its own that asks for names and passwords, and asks again every two seconds."""

import base64
import secrets
import subprocess
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    NewTopic,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from deploy.local.certificates import Authority
from deploy.local.kafka import _library
from tests.support.waiting import wait_until
from tests.support.worker import free_port

_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{guarded},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{guarded}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-256
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=\\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.ssl.keystore.type=PEM
listener.name.sasl_ssl.ssl.keystore.location={keystore}
connections.max.reauth.ms=2000
log.dirs={data}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"""


class GuardedBroker:
    """`plain` for tests, `guarded` for who has the password."""

    user = "gw-03"

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.password = secrets.token_urlsafe(12)
        self._properties = folder / "server.properties"
        self._log = folder / "broker.log"
        ports = {name: free_port() for name in ("plain", "guarded", "controller")}
        self.plain, self.guarded = (f"127.0.0.1:{ports[name]}" for name in ("plain", "guarded"))
        authority = Authority(folder, "guarded").create()
        self.ca_file, signed = authority.cert, authority.signed("broker")
        keystore = folder / "keystore.pem"
        keystore.write_text(signed.key.read_text() + signed.cert.read_text())
        self._properties.write_text(_PROPERTIES.format(data=folder / "data", keystore=keystore, **ports))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """With one topic, and one user."""
        cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
        user = f"SCRAM-SHA-256=[name={self.user},password={self.password}]"
        subprocess.run(
            _java(
                "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(self._properties), "-S", user
            ),
            check=True,
            capture_output=True,
            timeout=120,
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(_java("kafka.Kafka", str(self._properties)), stdout=log, stderr=log)
        wait_until(self._has_topic, 120, "the guarded broker answers")

    def change_password(self, password: str) -> None:
        """From now on only this one is right."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
        admin = self._admin()
        changed = admin.alter_user_scram_credentials([UserScramCredentialUpsertion(self.user, info, password.encode())])
        for done in changed.values():
            done.result(30)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.plain, "log_level": 0})

    def _has_topic(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-3000:]
        admin = self._admin()
        try:
            if "crane-events" in admin.list_topics(timeout=5).topics:
                return True
            for done in admin.create_topics([NewTopic("crane-events", 2, 1)]).values():
                done.result(5)
        except (KafkaException, TimeoutError):
            # Not yet; or made in the end, which the next look finds.
            return False
        return True


def _java(*words: str) -> list[str]:
    return ["java", "-Xmx256m", "-cp", f"{_library()}/*", *words]
