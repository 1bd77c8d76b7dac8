"""The egress guard: what may go to which country. Pure, and closed: what is not known is refused.

Important and personal data stay at home unless a transfer was approved that names this destination, this object and these
classes, and is valid now. Remote access from abroad is a transfer too (docs/data-protection.md).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.classification import CLASSES, GUARDED

HOME: Final = "VN"
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Transfer:
    """An approved transfer: of an object (`port.gate_step`, a contract's name) of these classes to a country, for a time."""

    transfer_id: str
    destination: str
    object: str
    classes: frozenset[str]
    valid_from: datetime
    valid_until: datetime
    revoked_at: datetime | None = None

    def covers(self, destination: str, thing: str, classes: Iterable[str], now: datetime) -> bool:
        """Whether it allows that now."""
        is_valid = self.revoked_at is None and self.valid_from <= now < self.valid_until
        return is_valid and (self.destination, self.object) == (destination, thing) and self.classes.issuperset(classes)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether data may go, and why."""

    allowed: bool
    reason: str


def judge(
    destination: str | None, thing: str, classes: Iterable[str | None], transfers: Iterable[Transfer], now: datetime
) -> Verdict:
    """May `thing`, which holds data of these classes (None: of unknown class), go to `destination`?"""
    found = set(classes)
    if destination is None or not _COUNTRY.fullmatch(destination):
        return Verdict(allowed=False, reason="no destination is declared (ISO 3166, two capitals)")
    if not found or not found.issubset(CLASSES):
        return Verdict(allowed=False, reason="the class of some field is not known")
    if destination == HOME:
        return Verdict(allowed=True, reason="stays in the country")
    guarded = sorted(str(name) for name in found & GUARDED)
    if not guarded:
        return Verdict(allowed=True, reason="nothing important or personal")
    for transfer in transfers:
        if transfer.covers(destination, thing, guarded, now):
            return Verdict(allowed=True, reason=f"approved transfer {transfer.transfer_id}")
    return Verdict(allowed=False, reason=f"{' and '.join(guarded)} data to {destination}, and no approved transfer")
