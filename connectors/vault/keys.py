"""The file of keys: made ahead of their periods, and destroyed. Written whole beside itself and put in its place.

The file is the secret: whoever has it can try names. It lies where names arrive in the clear anyway, and nowhere else.
"""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from schemas.errors import ConfigurationError
from schemas.pseudonyms import Keys, read_keys

KEY_BYTES = 32


class Period(NamedTuple):
    """A site's period by its first day."""

    site: str
    start: date


def make_keys(file: Path, sites: Iterable[str], period_days: int, ahead: int, now: datetime) -> list[Period]:
    """Add what is missing of this period and the `ahead` next ones; returns what was added. What is there stays.

    Raises ConfigurationError, as where the file has periods of another length.
    """
    keys = read_keys(file) if file.exists() else Keys(period_days, {})
    if keys.period_days != period_days:
        raise ConfigurationError(
            f"{file} has periods of {keys.period_days} days: they cannot change, or events sent again get new pseudonyms"
        )
    first = keys.period_of(int(now.timestamp() * 1_000_000))
    starts = [first + timedelta(days=period_days * n) for n in range(ahead + 1)]
    added = [Period(site, start) for site in sites for start in starts if start not in keys.sites.get(site, {})]
    held = {site: dict(periods) for site, periods in keys.sites.items()}
    for site, start in added:
        held.setdefault(site, {})[start] = secrets.token_bytes(KEY_BYTES)
    if added:
        _write(file, period_days, held)
    return added


def destroy_key(file: Path, period: Period) -> None:
    """Take a key out of the file, for good. Copies of the file are the site's to destroy."""
    keys = read_keys(file)
    held = {site: dict(periods) for site, periods in keys.sites.items()}
    held[period.site].pop(period.start)
    _write(file, keys.period_days, held)


def key_of(file: Path, period: Period) -> bytes:
    """Raises ConfigurationError where there is none (any more)."""
    key = read_keys(file).sites.get(period.site, {}).get(period.start)
    if key is None:
        raise ConfigurationError(f"{file} has no key of {period.site} for the period from {period.start}")
    return key


def digest_of(key: bytes) -> bytes:
    """What the proof says of a key: enough to recognise it, nothing to use."""
    return hashlib.sha256(b"quaystream key digest\n" + key).digest()


def _write(file: Path, period_days: int, sites: Mapping[str, Mapping[date, bytes]]) -> None:
    content = {
        "period_days": period_days,
        "sites": {
            site: {start.isoformat(): base64.b64encode(key).decode() for start, key in sorted(periods.items())}
            for site, periods in sorted(sites.items())
            if periods
        },
    }
    beside = file.with_name(f"{file.name}.new")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=2)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    except OSError as error:
        raise ConfigurationError(f"cannot write {file} ({error.strerror})") from error
