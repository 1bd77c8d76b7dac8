"""Places and times of messages: which site a port and a terminal are, and moments that carry no zone."""

import hashlib
import re
from datetime import timedelta, timezone
from typing import Annotated, Final

from pydantic import AfterValidator

from connectors.messages.said import RefusedPartError
from schemas.identifiers import is_locode

SITE: Final = "VNHPH-DEEPC2"
PORT: Final = "PORT"
_SITE: Final = re.compile(r"[A-Z]{2}[A-Z2-9]{3}-[A-Z0-9]{2,16}")
_OFFSET: Final = re.compile(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])")
_LONGEST: Final = 32


def _site(text: str) -> str:
    if not _SITE.fullmatch(text):
        raise ValueError(f"site {text} is not <UN/LOCODE>-<site>")
    return text


def _offset(text: str) -> str:
    if not _OFFSET.fullmatch(text):
        raise ValueError("an offset is written as +07:00")
    return text


Site = Annotated[str, AfterValidator(_site)]
Offset = Annotated[str, AfterValidator(_offset)]


def zone_of(offset: str) -> timezone:
    """The zone that a checked offset is."""
    minutes = int(offset[1:3]) * 60 + int(offset[4:6])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def site_of_terminal(locode: str, terminal: str, at_home: str) -> str:
    """`VNHPH` and `TANVU` are `VNHPH-TANVU`. Without a terminal: `at_home` where the port is its port, else the port itself.

    Raises RefusedPartError for a port that is no UN/LOCODE and a terminal that is no code.
    """
    if not locode:
        return at_home
    if not is_locode(locode):
        raise RefusedPartError(f"{locode[:20]!r} is no UN/LOCODE")
    if not terminal:
        return at_home if at_home.startswith(f"{locode}-") else f"{locode}-{PORT}"
    site = f"{locode}-{terminal.upper()}"
    if not _SITE.fullmatch(site):
        raise RefusedPartError(f"terminal {terminal[:20]!r} is no code of 2 to 16 letters and digits")
    return site


def asset_name(text: str) -> str:
    """`text` as the last part of a subject: A-Z, 0-9 and _; a longer one keeps its beginning and a digest of the whole."""
    name = re.sub(r"[^A-Z0-9_]", "_", text.strip().upper())
    if len(name) <= _LONGEST:
        return name or "UNNAMED"
    digest = hashlib.sha256(text.encode()).hexdigest()[:8].upper()
    return f"{name[: _LONGEST - 9]}_{digest}"
