"""Signatures of records: which gateway may speak for which source (docs/adr/0022).

A consumer of Kafka does not see who produced a record, so the producer proves itself in a header `qs-signature`:
`hmac-sha256=` and 64 hexadecimal digits, the HMAC (RFC 2104) of the record under the key of its gateway. Signed are the
bytes of the value; in binary mode also the `ce_` headers and the content type, as `name=value` lines in the order of
their names before an empty line and the value.
"""

import base64
import binascii
import hmac
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from schemas.errors import ConfigurationError

HEADER: Final = "qs-signature"
SHORTEST_KEY: Final = 32
_SCHEME: Final = b"hmac-sha256="

Headers = Sequence[tuple[str, bytes | None]]


class Key:
    """A key made ready: hashing its own bytes for every record would cost as much as hashing the record."""

    def __init__(self, key: bytes) -> None:
        self._begun = hmac.new(key, digestmod="sha256")

    def signature_of(self, value: bytes | None, headers: Headers) -> bytes:
        """The value of the header `qs-signature` of a record."""
        mac = self._begun.copy()
        mac.update(_signed(value or b"", headers))
        return _SCHEME + mac.hexdigest().encode()


def _signed(value: bytes, headers: Headers) -> bytes:
    if not any(name[:3].lower() == "ce_" for name, _ in headers):
        return value
    named = [(name.lower(), text or b"") for name, text in headers]
    lines = sorted(
        name.encode() + b"=" + text for name, text in named if name.startswith("ce_") or name == "content-type"
    )
    return b"\n".join([*lines, b"", value])


def _given(headers: Headers) -> bytes | None:
    for name, text in headers:
        if name == HEADER:
            return text or b""
    return None


class Gateways:
    """The keys of the gateways. One speaks for its own name as `source`, and for everything under it (`name/…`)."""

    def __init__(self, keys: Mapping[str, Sequence[bytes]]) -> None:
        self._keys = {name: tuple(map(Key, some)) for name, some in keys.items()}

    def objection(self, source: str, value: bytes | None, headers: Headers) -> str | None:
        """Why a record may not say that it is from `source`, in words; None when it may."""
        gateway = self._gateway_of(source)
        if gateway is None:
            return f"no gateway is known that may speak for {source}"
        given = _given(headers)
        if given is None:
            return f"not signed, as {gateway} has to"
        for key in self._keys[gateway]:
            if hmac.compare_digest(given, key.signature_of(value, headers)):
                return None
        return f"not signed with a key of {gateway}"

    def _gateway_of(self, source: str) -> str | None:
        name = source
        while name not in self._keys:
            name, slash, _ = name.rpartition("/")
            if not slash:
                return None
        return name


def read_gateways(file: Path) -> Gateways:
    """The keys of a TOML file: a table per gateway, with `keys`, a list of Base64 texts. Raises ConfigurationError."""
    text = _text(file)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not TOML: {error}") from error
    return Gateways({name: _keys(file, name, table) for name, table in tables.items()})


def read_key(file: Path) -> bytes:
    """One key, Base64, alone in its file. Raises ConfigurationError."""
    return _key(f"{file}", _text(file).strip())


def _keys(file: Path, name: str, table: object) -> list[bytes]:
    keys = table.get("keys") if isinstance(table, dict) else None
    if not isinstance(keys, list) or not keys or not isinstance(table, dict) or set(table) != {"keys"}:
        raise ConfigurationError(f'{file}: ["{name}"] needs keys = ["…"], one or more, and nothing else')
    return [_key(f'{file}: ["{name}"]', text) for text in keys]


def _key(where: str, text: object) -> bytes:
    try:
        key = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < SHORTEST_KEY:
        # The key itself is not repeated: this goes to logs.
        raise ConfigurationError(f"{where}: a key is {SHORTEST_KEY} bytes or more in Base64: `openssl rand -base64 32`")
    return key


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {file} ({getattr(error, 'strerror', None) or 'not text'})") from error
