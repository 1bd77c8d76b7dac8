"""Apache Kafka in KRaft mode: one process that is broker and controller, from its Maven coordinates."""

import base64
import os
import shutil
import socket
import ssl
import struct
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals

from deploy.local import rights
from deploy.local.certificates import PROGRAMS
from deploy.local.home import Home, downloads, locked
from deploy.local.keyring import Keyring
from deploy.local.packages import need, run
from deploy.local.part import CONFIG, Step, Stop, render
from deploy.local.ports import MTLS_PORT
from deploy.local.security import OPEN, Accounts, Security

VERSION = "4.3.1"
# Metadata, version 1, correlation id 1, no client id, no topics: the answer begins with the brokers.
METADATA_REQUEST = struct.pack("!ihhihi", 14, 3, 1, 1, -1, 0)
ANSWER = struct.Struct("!iii")  # length, correlation id, number of brokers


@dataclass(frozen=True)
class Kafka:
    """The broker. `controller_port` is its own affair; clients use `port`, and `mtls_port` where it is secured."""

    home: Home
    port: int
    controller_port: int
    mtls_port: int = MTLS_PORT
    security: Security = OPEN
    name: str = "kafka"
    deadline_s: float = 120.0

    def install(self, step: Step) -> None:
        need({"java": "default-jre-headless"}, step)
        if self.security.is_on:
            need(PROGRAMS, step)
        library = _library()
        if library.is_dir():
            return
        need({"mvn": "maven"}, step)
        with step(f"Download Apache Kafka {VERSION}"), locked(downloads() / ".kafka.lock"):
            if not library.is_dir():
                _download(library)

    def configure(self) -> None:
        self.home.data(self.name).mkdir(exist_ok=True)
        if self.security.is_on:
            Accounts(self.home).create()
        render(self.templates(), self._properties(), **self.values())
        if not (self._data() / "meta.properties").exists():
            # Joined by "=": an id may begin with a dash.
            words = ["format", f"--cluster-id={self.cluster_id()}", "-c", str(self._properties())]
            run(self._java("kafka.tools.StorageTool", *words), "format Kafka's data folder")

    def templates(self) -> Sequence[str]:
        """The files in `config` that its properties are made of."""
        return ["server.properties", "secured.properties"] if self.security.is_on else ["server.properties"]

    def values(self) -> Mapping[str, object]:
        """What is filled into them."""
        own = {"port": self.port, "controller_port": self.controller_port, "data": self._data()}
        return {**own, **self._secured()} if self.security.is_on else own

    def cluster_id(self) -> str:
        """The id its data folder is formatted with."""
        return new_cluster_id()

    def command(self) -> list[str]:
        return self._java("kafka.Kafka", str(self._properties()))

    def environment(self) -> Mapping[str, str]:
        return os.environ

    def is_ready(self) -> bool:
        try:
            with self._connection() as connection:
                connection.settimeout(2)
                connection.sendall(METADATA_REQUEST)
                answer = _read(connection, ANSWER.size)
                _, _, brokers = ANSWER.unpack(answer)
        except (OSError, struct.error):
            return False
        # A broker that is still fenced answers, but without itself in the list.
        return bool(brokers)

    def own_pid(self, started: int | None) -> int | None:
        return started

    def prepare(self) -> None:
        """Topics are made by `quaystream topics apply`; here a secured broker learns who may do what."""
        if self.security.is_on:
            Accounts(self.home).create()
            rights.apply(rights.superuser(self.home, self.mtls_port), Accounts(self.home))

    def signal(self, how: Stop) -> Signals:
        return SIGTERM if how is Stop.FAST else SIGKILL

    @contextmanager
    def _connection(self) -> Iterator[socket.socket]:
        port = self.mtls_port if self.security.is_on else self.port
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            if not self.security.is_on:
                yield connection
                return
            keyring = Keyring(self.home)
            context = ssl.create_default_context(cafile=keyring.bundle)
            own = keyring.signed("broker")
            context.load_cert_chain(own.cert, own.key)
            with context.wrap_socket(connection, server_hostname="127.0.0.1") as wrapped:
                yield wrapped

    def _secured(self) -> Mapping[str, object]:
        keyring = Keyring(self.home)
        return {
            "mtls_port": self.mtls_port,
            "keystore": keyring.keystore("broker"),
            "truststore": keyring.bundle,
            "reauthenticate_ms": self.security.reauthenticate_s * 1000,
        }

    def _data(self) -> Path:
        return self.home.data(self.name) / "data"

    def _properties(self) -> Path:
        return self.home.data(self.name) / "server.properties"

    def _java(self, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={CONFIG / 'log4j2.properties'}"
        options = ["-Xms256m", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError", logging]
        return ["java", *options, "-cp", f"{_library()}/*", *arguments]


def tool(name: str, *arguments: str) -> list[str]:
    """The command of one of Kafka's own tools, by its class, such as `VerifiableProducer`."""
    return ["java", "-Xmx128m", "-cp", f"{_library()}/*", f"org.apache.kafka.tools.{name}", *arguments]


def _read(connection: socket.socket, size: int) -> bytes:
    """So many bytes, or what came before the end; over TLS nobody can ask to wait for all."""
    read = b""
    while len(read) < size and (piece := connection.recv(size - len(read))):
        read += piece
    return read


def _library() -> Path:
    return downloads() / f"kafka-{VERSION}"


def _download(library: Path) -> None:
    """Into a folder beside, then renamed: a broken download is never taken for a whole one."""
    partial = library.with_name(f"{library.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    # Maven writes beside its pom, which must not be the source tree.
    project = downloads() / "kafka-pom.xml"
    shutil.copy(CONFIG / "pom.xml", project)
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
    run(["mvn", "-q", "-B", "-f", str(project), *goal], "download Apache Kafka with Maven")
    partial.rename(library)


def new_cluster_id() -> str:
    """As Kafka's own tool makes one."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
