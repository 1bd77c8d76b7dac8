"""Who may post: a file of `name:password` lines, read anew when it changes, so a password is changed without a restart."""

import base64
import binascii
import hashlib
import hmac
from pathlib import Path

import structlog

from schemas.errors import ConfigurationError

log = structlog.get_logger()


class Users:
    """Basic authentication (RFC 7617, UTF-8). Raises ConfigurationError for a file that is none."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp = self._look()
        self._users = users_in(file)

    def may(self, authorization: str) -> bool:
        """Whether the header names one of them with the right password."""
        self._refresh()
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            name, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        known = self._users.get(name)
        # The same work whether or not the name is known.
        return hmac.compare_digest(_digest(password), _digest(known or "")) and known is not None

    def _refresh(self) -> None:
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._users = users_in(self._file)
        except ConfigurationError as error:
            # Half written, or gone: those who were let in stay so until it is whole again.
            log.warning("users_file_unusable", reason=str(error))

    def _look(self) -> tuple[int, int] | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size


def users_in(file: Path) -> dict[str, str]:
    """Names and passwords. Blank lines and lines that begin with # are nothing. Raises ConfigurationError."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read users_file {file}: name a readable text file") from error
    users = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, password = line.partition(":")
        if not (name and colon and password):
            raise ConfigurationError(f"users_file {file}:{number}: write name:password")
        users[name] = password
    if not users:
        raise ConfigurationError(f"users_file {file} names nobody: write name:password, one a line")
    return users


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
