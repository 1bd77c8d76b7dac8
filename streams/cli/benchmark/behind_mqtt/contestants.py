"""The two, each as its configuration and command; started, killed and started again, bound to one core."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from streams.cli.benchmark.behind_mqtt.mosquitto import CLIENT, IN_FLIGHT
from streams.cli.benchmark.contestants.peers import absence_of, telegraf
from streams.cli.benchmark.outage.programs import free_port

_GATEWAY: Final = """source = "/vnhph/tanvu/benchmark"
[spool]
path = "{folder}/spool.db"
max_bytes = "8GiB"
[delivery]
timeout = "5s"
catch_up_per_s = 100000
[[sources]]
kind = "mqtt"
name = "bench"
host = "127.0.0.1"
port = {port}
client_id = "{client}"
in_flight = {in_flight}
topics = [{{ topic = "bench/#" }}]
"""
# The payload goes through as it is, which is the least that it can be asked to do.
_TELEGRAF: Final = """
[agent]
  omit_hostname = true
  flush_interval = "100ms"
  metric_batch_size = 1000
  metric_buffer_limit = 1000000
  buffer_strategy = "disk"
  buffer_directory = "{folder}/buffer"
  quiet = true
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{port}"]
  topics = ["bench/#"]
  qos = 1
  persistent_session = true
  client_id = "{client}"
  max_undelivered_messages = {in_flight}
  data_format = "value"
  data_type = "string"
[[outputs.kafka]]
  brokers = [{brokers}]
  topic = "crane-events"
  required_acks = -1
  idempotent_writes = true
  max_retry = 3
  compression_codec = 3
  startup_error_behavior = "retry"
  data_format = "template"
  template = '{{{{ .Field "value" }}}}'
"""


@dataclass(frozen=True, slots=True)
class Rival:
    """One contestant: its command, given where its files are, the broker's port and Kafka's address; or why it is not here."""

    name: str
    command: Callable[[Path, int, str], list[str]]
    absence: Callable[[], str | None] = lambda: None


def _gateway(folder: Path, port: int, _: str) -> list[str]:
    config = folder / "gateway.toml"
    words = {"folder": folder, "port": port, "client": CLIENT, "in_flight": IN_FLIGHT}
    config.write_text(_GATEWAY.format(**words), encoding="utf-8")
    return [sys.executable, "-m", "streams.cli", "gateway", str(config)]


def _telegraf(folder: Path, port: int, brokers: str) -> list[str]:
    config = folder / "telegraf.conf"
    listed = ", ".join(f'"{broker}"' for broker in brokers.split(","))
    words = {"folder": folder, "port": port, "client": CLIENT, "in_flight": IN_FLIGHT, "brokers": listed}
    config.write_text(_TELEGRAF.format(**words), encoding="utf-8")
    return [str(telegraf()), "--config", str(config)]


RIVALS: Final = (
    Rival("quaystream gateway", _gateway),
    Rival("telegraf, disk buffer", _telegraf, lambda: absence_of(telegraf())),
)


class Running:
    """One process after another, on one core; a kill is SIGKILL, by its own pid."""

    def __init__(self, command: list[str], folder: Path, environment: Mapping[str, str] = os.environ) -> None:
        self._command = command
        self._log = folder / "contestant.log"
        self._environment = {**environment, "QUAYSTREAM_WEB_PORT": str(free_port())}
        self._process: psutil.Popen | None = None

    def start(self) -> None:
        """A new process; does not wait."""
        core = max(os.sched_getaffinity(0))
        with self._log.open("ab") as words:
            self._process = psutil.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )

    def kill(self) -> None:
        """At once."""
        self._of().kill()
        self._of().wait(10)

    def end(self) -> None:
        """SIGTERM, and SIGKILL for who does not hear it."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except psutil.TimeoutExpired:
            self.kill()

    def pause(self) -> None:
        """It does nothing until `go_on`."""
        self._of().suspend()

    def go_on(self) -> None:
        """As if nothing had been."""
        self._of().resume()

    def cpu_s(self) -> float:
        """CPU seconds of this process so far."""
        times = self._of().cpu_times()
        return float(times.user + times.system)

    def rss_mb(self) -> float:
        """Memory it holds."""
        return float(self._of().memory_info().rss) / 1e6

    def _of(self) -> psutil.Popen:
        assert self._process is not None  # noqa: S101
        return self._process
