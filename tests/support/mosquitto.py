"""A real Mosquitto, installed on first use: a plain listener for publishers, one with TLS and a password for us, one that wants
a certificate of ours.
"""

import signal
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

from deploy.local.packages import need
from deploy.local.part import quiet
from tests.support.waiting import wait_until
from tests.support.worker import free_port

USER, PASSWORD = "gateway", "open sesame"
_CONFIG = """
per_listener_settings true
persistence true
persistence_location {folder}/
user root
log_dest file {folder}/log
max_queued_messages 0
max_inflight_messages 200
autosave_interval 1
listener {plain} 127.0.0.1
allow_anonymous true
listener {tls} 127.0.0.1
allow_anonymous false
password_file {folder}/passwords
cafile {folder}/ca.pem
certfile {folder}/broker.pem
keyfile {folder}/broker.key
listener {mutual} 127.0.0.1
allow_anonymous false
require_certificate true
use_identity_as_username true
cafile {folder}/ca.pem
certfile {folder}/broker.pem
keyfile {folder}/broker.key
"""


class Mosquitto:
    """One broker, and one process after another. `ca` signed its certificate; `other_ca` did not.

    On `mutual` who shows a certificate that `ca` signed is let in: `client` has one, `other_client` one of `other_ca`.
    """

    def __init__(self, folder: Path) -> None:
        need({"mosquitto": "mosquitto", "mosquitto_pub": "mosquitto-clients", "openssl": "openssl"}, quiet)
        self.folder = folder
        self.plain, self.tls, self.mutual = free_port(), free_port(), free_port()
        self.client = (folder / "client.pem", folder / "client.key")
        self.other_client = (folder / "stranger.pem", folder / "stranger.key")
        self.ca, self.other_ca = folder / "ca.pem", folder / "other.pem"
        _certificates(folder)
        _run("mosquitto_passwd", "-b", "-c", str(folder / "passwords"), USER, PASSWORD)
        self.config = folder / "mosquitto.conf"
        self.config.write_text(_CONFIG.format(folder=folder, plain=self.plain, tls=self.tls, mutual=self.mutual))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Mosquitto":
        """Start a process and wait until it listens."""
        self._process = subprocess.Popen(["mosquitto", "-c", str(self.config)], stderr=subprocess.DEVNULL)
        wait_until(lambda: _listens(self.plain) and _listens(self.tls), 20, "mosquitto listens")
        return self

    def stop(self) -> None:
        """As an administrator does: it writes its sessions to disk."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)

    def publish(self, topic: str, payloads: Iterable[str], *options: str) -> None:
        """Mosquitto's own client, one message a payload, each acknowledged by the broker (QoS 1)."""
        lines = "".join(f"{payload}\n" for payload in payloads)
        where = ("-h", "127.0.0.1", "-p", str(self.plain), "-t", topic, "-q", "1", "-l")
        _run("mosquitto_pub", *where, *options, lines=lines)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _certificates(folder: Path) -> None:
    for name in ("ca", "other"):
        _openssl(folder, "req", "-x509", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    for name, common, signer in (
        ("broker", "localhost", "ca"),
        ("client", "gw-07", "ca"),
        ("stranger", "gw-07", "other"),
    ):
        _openssl(folder, "req", "-subj", f"/CN={common}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signing = (
            "-CA",
            f"{signer}.pem",
            "-CAkey",
            f"{signer}.key",
            "-CAcreateserial",
            "-extfile",
            "names",
            "-days",
            "2",
        )
        _run("openssl", "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signing, folder=folder)


def _openssl(folder: Path, *words: str) -> None:
    _run(
        "openssl",
        words[0],
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        *words[1:],
        folder=folder,
    )


def _run(*command: str, lines: str = "", folder: Path | None = None) -> None:
    done = subprocess.run(command, input=lines, text=True, capture_output=True, timeout=60, check=False, cwd=folder)
    assert done.returncode == 0, f"{command}: {done.stderr}"
