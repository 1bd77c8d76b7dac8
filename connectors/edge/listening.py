"""A web server of a source: where it listens, whom it lets in by certificate, and how it ends. What it answers is the source's."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from connectors.edge.door import Door
from schemas.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: our certificate and key make it TLS; `client_ca_file` signs the clients, and then every client needs one."""

    cert_file: Path | None = None
    key_file: Path | None = None
    client_ca_file: Path | None = None

    def problem(self) -> str | None:
        """What does not go together."""
        if (self.cert_file is None) != (self.key_file is None):
            return "cert_file and key_file come together"
        if self.client_ca_file is not None and self.cert_file is None:
            return "client_ca_file needs TLS: add cert_file and key_file"
        return None


@dataclass(frozen=True, slots=True)
class Listening:
    """Where, how large a request may be, and over which certificates."""

    bind: str
    port: int
    max_body_bytes: int
    certificates: Certificates = Certificates()


async def serve(door: Door, where: Listening, application: web.Application) -> None:
    """Until cancelled; requests that have begun are answered. Raises ConfigurationError for a port or file that cannot be used."""
    name = door.name
    context = tls_context(where.certificates)
    if context is not None:
        # Of a class made for it: a handshake that fails is otherwise known to the client alone.
        context.sslobject_class = _watched(lambda reason: door.fail("handshake", f"{where.bind}:{where.port}", reason))
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, where.bind, where.port, ssl_context=context).start()
        await asyncio.Event().wait()
    except OSError as error:
        raise ConfigurationError(
            f"source {name} cannot listen on {where.bind}:{where.port} ({error.strerror}): choose another port"
        ) from error
    finally:
        await runner.cleanup()


def tls_context(files: Certificates) -> ssl.SSLContext | None:
    """TLS 1.2 or newer, mutual where clients are signed; None without certificates. Raises ConfigurationError."""
    if files.cert_file is None or files.key_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(files.cert_file, files.key_file, password=lambda: "")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"cert_file {files.cert_file} and its key cannot be used: PEM, not encrypted"
        ) from error
    if files.client_ca_file is not None:
        _ask_clients(context, files.client_ca_file)
    return context


def _watched(failed: Callable[[str], None]) -> type[ssl.SSLObject]:
    class Watched(ssl.SSLObject):
        """Tells of handshakes that fail."""

        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                failed(error.reason or type(error).__name__)
                raise

    return Watched


def _ask_clients(context: ssl.SSLContext, authority: Path) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(authority)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"client_ca_file {authority} cannot be used: PEM certificates") from error
