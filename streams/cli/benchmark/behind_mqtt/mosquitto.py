"""A Mosquitto of the benchmark's own: keeps everything for who is away; its own client publishes, at QoS 1."""

import re
import signal
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

from deploy.local.packages import find, need
from deploy.local.part import quiet
from streams.cli.benchmark.outage.programs import free_port, wait_until

CLIENT: Final = "bench"
TOPIC: Final = "bench/cranes"
IN_FLIGHT: Final = 1_000
_START_S: Final = 20.0
_CONFIG: Final = """
user root
log_dest file {folder}/mosquitto.log
log_type notice
log_type subscribe
persistence true
persistence_location {folder}/
max_queued_messages 0
max_inflight_messages {in_flight}
listener {port} 127.0.0.1
allow_anonymous true
"""


class Mosquitto:
    """Listens while the block is open."""

    def __init__(self, folder: Path) -> None:
        need({"mosquitto": "mosquitto", "mosquitto_pub": "mosquitto-clients"}, quiet)
        self.port = free_port()
        self._log = folder / "mosquitto.log"
        self._config = folder / "mosquitto.conf"
        self._config.write_text(_CONFIG.format(folder=folder, port=self.port, in_flight=IN_FLIGHT), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([str(find("mosquitto")), "-c", str(self._config)], stderr=subprocess.DEVNULL)  # noqa: S603
        wait_until(self._listens, _START_S, "Mosquitto listens")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None  # noqa: S101
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(_START_S)

    def await_subscriber(self) -> None:
        """Until our client has subscribed: from then on the broker keeps for it what it does not take."""
        wait_until(lambda: re.search(rf"{CLIENT} 1 bench/#", self._words()) is not None, 60, "it has subscribed")

    def publish(self, payloads: Iterable[str]) -> None:
        """A message each; returns when the broker has acknowledged all."""
        publisher = self.publisher()
        assert publisher.stdin is not None  # noqa: S101
        publisher.stdin.writelines(f"{payload}\n" for payload in payloads)
        publisher.stdin.close()
        publisher.wait()

    def publisher(self) -> "subprocess.Popen[str]":
        """A client that publishes each line it reads."""
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-t", TOPIC, "-q", "1", "-l")
        command = [str(find("mosquitto_pub")), *where]
        return subprocess.Popen(command, stdin=subprocess.PIPE, text=True)  # noqa: S603

    def _words(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
