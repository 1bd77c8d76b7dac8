"""How a broker is reached: data, and the TLS context and password made of it anew for every connection."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from schemas.errors import ConfigurationError

Version = Literal["5", "3.1.1"]


@dataclass(frozen=True, slots=True)
class Tls:
    """`ca_file` absent: the system's authorities. `cert_file` and `key_file` are ours, where the broker asks."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class MqttAccess:
    """`client_id` names the session at the broker; `in_flight` is how many messages it may owe us at once.

    `session_s`: how long the broker keeps the session while we are away (MQTT 5; with 3.1.1 that is the broker's say).
    """

    host: str
    port: int
    client_id: str
    version: Version = "5"
    tls: Tls | None = None
    username: str | None = None
    password_file: Path | None = None
    keepalive_s: int = 30
    session_s: int = 7 * 86_400
    in_flight: int = 100

    def password(self) -> str | None:
        """Read anew each time, so that a new one needs no restart. Raises ConfigurationError."""
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"cannot read password_file {self.password_file}: name a text file") from error


def tls_context(tls: Tls, alerted: Callable[[str], None] = lambda _: None) -> ssl.SSLContext:
    """TLS 1.2 or newer; the broker's name is checked. Raises ConfigurationError.

    `alerted` is told why the broker ends a connection after the handshake: in TLS 1.3 it judges our certificate then, and
    the client's library keeps its words to itself.
    """
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.sslsocket_class = _watched(alerted)
        if tls.cert_file is not None:
            context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: "")
    except (OSError, ValueError) as error:
        files = ", ".join(str(file) for file in (tls.ca_file, tls.cert_file, tls.key_file) if file)
        raise ConfigurationError(f"{files} cannot be used: PEM, readable, the key not encrypted") from error
    return context


def _watched(alerted: Callable[[str], None]) -> type[ssl.SSLSocket]:
    class Watched(ssl.SSLSocket):
        """Tells of alerts."""

        def recv(self, size: int = 1024, flags: int = 0) -> bytes:
            try:
                return super().recv(size, flags)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                alerted(error.reason or type(error).__name__)
                raise

    return Watched
