"""Prometheus and Alertmanager: the system's binaries with our configuration on our ports."""

import http.client
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals

from deploy.local.home import Home
from deploy.local.packages import need
from deploy.local.part import Step, Stop, render
from deploy.monitoring.alertmanager import RULES, compose

# A person and a test want to see an alert at once.
AT_ONCE = {"group_wait": "1s", "group_interval": "5s"}


@dataclass(frozen=True)
class Prometheus:
    """Scrapes the announced workers and boards and evaluates the rules of `deploy/monitoring/rules`."""

    home: Home
    port: int
    alertmanager_port: int
    name: str = "prometheus"
    deadline_s: float = 30.0

    def install(self, step: Step) -> None:
        need({"prometheus": "prometheus"}, step)

    def configure(self) -> None:
        values = {"port": self.port, "alertmanager_port": self.alertmanager_port}
        places = {"workers": self.home.workers(), "boards": self.home.boards(), "rules": RULES}
        render("prometheus.yaml", self._config(), **values, **places)

    def command(self) -> list[str]:
        return [
            "prometheus",
            f"--config.file={self._config()}",
            f"--storage.tsdb.path={self.home.data('prometheus') / 'data'}",
            "--storage.tsdb.retention.time=15d",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def environment(self) -> Mapping[str, str]:
        return os.environ

    def is_ready(self) -> bool:
        return _is_ready(self.port)

    def own_pid(self, started: int | None) -> int | None:
        return started

    def prepare(self) -> None:
        """Nothing: rules and targets are files."""

    def signal(self, how: Stop) -> Signals:
        return SIGTERM if how is Stop.FAST else SIGKILL

    def _config(self) -> Path:
        return self.home.data("prometheus") / "prometheus.yaml"


@dataclass(frozen=True)
class Alertmanager:
    """Groups and holds back alerts as `deploy/monitoring/alertmanager.yaml` says; has no peers.

    Calls nobody, unless the home has `alertmanager/receivers.yaml`.
    """

    home: Home
    port: int
    name: str = "alertmanager"
    deadline_s: float = 30.0

    def install(self, step: Step) -> None:
        need({"prometheus-alertmanager": "prometheus-alertmanager"}, step)

    def configure(self) -> None:
        receivers = self._config().with_name("receivers.yaml")
        text = compose(receivers if receivers.exists() else None, AT_ONCE)
        self._config().parent.mkdir(parents=True, exist_ok=True)
        self._config().write_text(text)

    def command(self) -> list[str]:
        return [
            "prometheus-alertmanager",
            f"--config.file={self._config()}",
            f"--storage.path={self.home.data('alertmanager') / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]

    def environment(self) -> Mapping[str, str]:
        return os.environ

    def is_ready(self) -> bool:
        return _is_ready(self.port)

    def own_pid(self, started: int | None) -> int | None:
        return started

    def prepare(self) -> None:
        """Nothing: its routes are a file."""

    def signal(self, how: Stop) -> Signals:
        return SIGTERM if how is Stop.FAST else SIGKILL

    def _config(self) -> Path:
        return self.home.data("alertmanager") / "alertmanager.yaml"


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/-/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
