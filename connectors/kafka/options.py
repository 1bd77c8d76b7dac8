"""From plain values to what Kafka's clients ask for: security, credentials, TLS.

Secrets are read from their files when a client is made, never kept in `KafkaAccess` and never logged.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from connectors.kafka.protector import Protector
from schemas.errors import ConfigurationError
from schemas.signing import HEADER, Headers, Key, read_key

if TYPE_CHECKING:
    from faust.types.auth import CredentialsT

Security = Literal["plaintext", "tls", "scram", "mtls"]

# Kafka's own name of each, and whether it speaks TLS. There is no SCRAM without it: a password is worth that.
_PROTOCOLS: Final[Mapping[str, tuple[str, bool]]] = MappingProxyType(
    {
        "plaintext": ("PLAINTEXT", False),
        "tls": ("SSL", True),
        "mtls": ("SSL", True),
        "scram": ("SASL_SSL", True),
    }
)


@dataclass(frozen=True, slots=True)
class Sasl:
    """A SCRAM mechanism and the files that hold the name and the password."""

    mechanism: str
    username_file: Path
    password_file: Path


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: who signs the brokers (None: the system's authorities), and our own certificate and key."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """Where the brokers are (`host:port,…`), how to be let in, and with what key records are signed, if at all."""

    brokers: str
    security: Security = "plaintext"
    sasl: Sasl | None = None
    tls: Tls = field(default_factory=Tls)
    signing_key_file: Path | None = None
    pseudonym_keys_file: Path | None = None

    def signer(self) -> "Signer | None":
        """What signs records; reads the key. Raises ConfigurationError."""
        return None if self.signing_key_file is None else Signer(read_key(self.signing_key_file))

    def protector(self) -> "Protector | None":
        """What replaces clear names by pseudonyms; reads the keys. Raises ConfigurationError."""
        return None if self.pseudonym_keys_file is None else Protector(self.pseudonym_keys_file)


class Signer:
    """Adds the signature of schemas/signing.py to the headers of a record; one that is there stays."""

    def __init__(self, key: bytes) -> None:
        self._key = Key(key)

    def signed(self, value: bytes | None, headers: Headers) -> Headers:
        """The headers to send a record with."""
        if any(name == HEADER for name, _ in headers):
            return headers
        return [*headers, (HEADER, self._key.signature_of(value, headers))]


class KafkaSettings(Protocol):
    """The settings an access is made from (contract section 8)."""

    @property
    def brokers(self) -> str: ...
    @property
    def kafka_security(self) -> Security: ...
    @property
    def sasl_mechanism(self) -> str: ...
    @property
    def username_file(self) -> Path | None: ...
    @property
    def password_file(self) -> Path | None: ...
    @property
    def ca_file(self) -> Path | None: ...
    @property
    def cert_file(self) -> Path | None: ...
    @property
    def key_file(self) -> Path | None: ...
    @property
    def signing_key_file(self) -> Path | None: ...
    @property
    def pseudonym_keys_file(self) -> Path | None: ...


def access_from(settings: KafkaSettings) -> KafkaAccess:
    """The access that `settings` describe; raises ConfigurationError where they contradict each other."""
    sasl = None
    if settings.username_file and settings.password_file:
        sasl = Sasl(settings.sasl_mechanism, settings.username_file, settings.password_file)
    tls = Tls(settings.ca_file, settings.cert_file, settings.key_file)
    files = (settings.signing_key_file, settings.pseudonym_keys_file)
    access = KafkaAccess(settings.brokers, settings.kafka_security, sasl, tls, *files)
    _refuse_contradictions(access)
    return access


def client_options(access: KafkaAccess) -> dict[str, Any]:
    """Keyword arguments for any aiokafka client; reads the secret files.

    Raises ConfigurationError where a file is missing or the choice of security is not complete.
    """
    _refuse_contradictions(access)
    protocol, _ = _PROTOCOLS[access.security]
    options: dict[str, Any] = {"bootstrap_servers": access.brokers, "security_protocol": protocol}
    if context := tls_context(access):
        options["ssl_context"] = context
    if access.sasl:
        options["sasl_mechanism"] = access.sasl.mechanism
        options["sasl_plain_username"] = _secret("USERNAME_FILE", access.sasl.username_file)
        options["sasl_plain_password"] = _secret("PASSWORD_FILE", access.sasl.password_file)
    return options


def librdkafka_options(access: KafkaAccess) -> dict[str, str]:
    """Configuration for any client made of librdkafka; reads the secret files. Errors as `client_options`.

    Checks the same files in the same way, so that what is wrong with one is said before connecting.
    """
    _refuse_contradictions(access)
    tls_context(access)
    protocol, speaks_tls = _PROTOCOLS[access.security]
    options = {"bootstrap.servers": access.brokers, "security.protocol": protocol}
    if speaks_tls:
        options["ssl.endpoint.identification.algorithm"] = "https"
        files = (access.tls.ca_file, access.tls.cert_file, access.tls.key_file)
        names = ("ssl.ca.location", "ssl.certificate.location", "ssl.key.location")
        options |= {name: str(file) for name, file in zip(names, files, strict=True) if file is not None}
    if access.sasl:
        options["sasl.mechanism"] = access.sasl.mechanism
        options["sasl.username"] = _secret("USERNAME_FILE", access.sasl.username_file)
        options["sasl.password"] = _secret("PASSWORD_FILE", access.sasl.password_file)
    return options


def faust_credentials(access: KafkaAccess) -> "CredentialsT | None":
    """The value of Faust's `broker_credentials`; None for plaintext. Errors as `client_options`."""
    from faust.auth import SASLCredentials, SSLCredentials

    _refuse_contradictions(access)
    context = tls_context(access)
    if access.sasl:
        return SASLCredentials(
            username=_secret("USERNAME_FILE", access.sasl.username_file),
            password=_secret("PASSWORD_FILE", access.sasl.password_file),
            mechanism=access.sasl.mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context else None


def tls_context(access: KafkaAccess) -> ssl.SSLContext | None:
    """A context that checks the brokers' names (TLS 1.2 or newer), or None where none is spoken."""
    _, speaks_tls = _PROTOCOLS[access.security]
    if not speaks_tls:
        return None
    tls = access.tls
    for name, file in (("CA_FILE", tls.ca_file), ("CERT_FILE", tls.cert_file), ("KEY_FILE", tls.key_file)):
        if file is not None:
            _readable(name, file)
    context = _trusting(tls.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert_file:
        _show(context, tls.cert_file, tls.key_file)
    return context


def _refuse_contradictions(access: KafkaAccess) -> None:
    security = f"QUAYSTREAM_KAFKA_SECURITY={access.security}"
    needs_sasl = access.security == "scram"
    if needs_sasl and access.sasl is None:
        raise ConfigurationError(f"{security} needs QUAYSTREAM_USERNAME_FILE and QUAYSTREAM_PASSWORD_FILE: set both")
    if access.sasl is not None and not needs_sasl:
        raise ConfigurationError(
            f"{security} does not use the credentials of QUAYSTREAM_USERNAME_FILE: "
            "set QUAYSTREAM_KAFKA_SECURITY=scram to send them over TLS, or unset the file"
        )
    if access.security == "mtls" and not (access.tls.cert_file and access.tls.key_file):
        raise ConfigurationError(f"{security} needs QUAYSTREAM_CERT_FILE and QUAYSTREAM_KEY_FILE: set both")


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise _bad("CA_FILE", ca_file, "no PEM certificates") from error


def _show(context: ssl.SSLContext, cert_file: Path, key_file: Path | None) -> None:
    # An encrypted key must fail, not ask at a terminal that a service does not have.
    try:
        context.load_cert_chain(cert_file, key_file, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        what = "not a PEM certificate with its unencrypted key"
        raise _bad("CERT_FILE", cert_file, what) from error


def _secret(name: str, file: Path) -> str:
    text = _readable(name, file).strip("\r\n")
    if not text:
        raise _bad(name, file, "it is empty")
    return text


def _readable(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise _bad(name, file, error.strerror or "unreadable") from error
    except UnicodeDecodeError as error:
        raise _bad(name, file, "not text") from error


def _bad(name: str, file: Path | None, why: str) -> ConfigurationError:
    return ConfigurationError(f"cannot use QUAYSTREAM_{name}={file} ({why}): set it to a file that this user can read")
