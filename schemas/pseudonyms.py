"""Pseudonyms of plates, operators and drivers: HMAC-SHA256 under a key per site and period (docs/adr/0029).

The same vehicle has one pseudonym at a site for a period, and another at another site or in the next period. Who has no
key cannot come back from it, or try plates; when the key is destroyed nobody can. The period is that of the event's own
time, so what is sent again, or late, gets the same one. `connectors/vault` makes and destroys keys.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from schemas.errors import ConfigurationError
from schemas.events import MODELS
from schemas.identifiers import site_of
from schemas.moments import microseconds_of

PATTERN: Final = re.compile(r"p1\.\d{8}\.[a-z2-7]{26}")
WITHHELD: Final = "withheld"
"""What stands in place of a value whose key is not there: fails closed, the rest of the event is kept."""
SHORTEST_KEY: Final = 32
_DAY_US: Final = 86_400_000_000
# Fields nobody declared, of which we know whom they name; texts on the first level of an event's data.
UNDECLARED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("driver", "driver_ref", "driver_id", "driver_name", "driver_licence"), "driver"),
    **dict.fromkeys(("operator", "operator_id", "operator_name"), "operator"),
    **dict.fromkeys(("plate", "trailer_plate", "license_plate", "licence_plate"), "plate"),
}


class Protected(NamedTuple):
    """An event's data without clear names, how many were replaced, and how many withheld for want of a key."""

    data: dict[str, Any]
    replaced: int
    withheld: int


@dataclass(frozen=True, slots=True)
class Named:
    """A field that names somebody: which kind of name, and the field and value of the same event it depends on."""

    kind: str
    field: str = ""
    value: str = ""

    def holds(self, data: Mapping[str, Any]) -> bool:
        return not self.field or data.get(self.field) == self.value


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of some sites by the first day of their period."""

    period_days: int
    sites: Mapping[str, Mapping[date, bytes]]

    def protected(self, event_type: str, subject: str, time: str, data: Mapping[str, Any]) -> Protected:
        """The event's data with every clear name replaced; pseudonyms that are there stay."""
        names = {**UNDECLARED_NAMES, **named_fields(event_type)}
        found = {
            field: names[field]
            for field, value in data.items()
            if field in names and names[field].holds(data) and is_clear(value)
        }
        if not found:
            return Protected(dict(data), 0, 0)
        moment = microseconds_of(time)
        start = None if moment is None else self.period_of(moment)
        key = None if start is None else self.sites.get(site_of(subject), {}).get(start)
        if key is None or start is None:
            return Protected({**data, **dict.fromkeys(found, WITHHELD)}, 0, len(found))
        given = {field: pseudonym(key, start, named.kind, data[field]) for field, named in found.items()}
        return Protected({**data, **given}, len(found), 0)

    def period_of(self, moment_us: int) -> date:
        """The first day (UTC) of the period a moment lies in."""
        days = moment_us // _DAY_US
        return date(1970, 1, 1) + timedelta(days=days - days % self.period_days)

    def missing(self, site: str, now: datetime) -> list[date]:
        """Of this period and the next, those without a key."""
        current = self.period_of(int(now.timestamp() * 1_000_000))
        wanted = (current, current + timedelta(days=self.period_days))
        return [start for start in wanted if start not in self.sites.get(site, {})]


def is_clear(value: Any) -> bool:
    """Whether a value is a text that names somebody: neither empty, nor a pseudonym, nor withheld."""
    return isinstance(value, str) and value not in {"", WITHHELD} and PATTERN.fullmatch(value) is None


def pseudonym(key: bytes, start: date, kind: str, clear: str) -> str:
    """`p1.`, the period's first day and 130 bits of HMAC-SHA256 over kind and name, the name in capitals, letters and digits alone."""
    plain = "".join(letter for letter in clear.upper() if letter.isalnum())
    digest = hmac.digest(key, f"{kind}\n{plain}".encode(), "sha256")
    return f"p1.{start:%Y%m%d}.{base64.b32encode(digest).decode().lower()[:26]}"


@cache
def named_fields(event_type: str) -> Mapping[str, Named]:
    """The fields of an event type that name somebody."""
    model = MODELS.get(event_type)
    found = {}
    for name, field in model.model_fields.items() if model else ():
        extra = field.json_schema_extra
        said = extra.get("pseudonym") if isinstance(extra, dict) else None
        if said:
            kind, _, condition = str(said).partition(" if ")
            found[name] = Named(kind, *condition.split("=")) if condition else Named(kind)
    return found


UNDECLARED_NAMES: Final[Mapping[str, Named]] = {field: Named(kind) for field, kind in UNDECLARED.items()}


def read_keys(file: Path) -> Keys:
    """The keys of a file that `quaystream vault keys` wrote. Raises ConfigurationError, which repeats no key."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        sites = {
            str(site): {date.fromisoformat(start): _key(text) for start, text in periods.items()}
            for site, periods in content["sites"].items()
        }
        days = content["period_days"]
    except OSError as error:
        raise ConfigurationError(f"cannot read {file} ({error.strerror})") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{file} is no file of keys: make one with `quaystream vault keys`") from error
    if not isinstance(days, int) or not 1 <= days <= 366:
        raise ConfigurationError(f"{file}: period_days is a number of days from 1 to 366")
    return Keys(days, sites)


def _key(text: Any) -> bytes:
    try:
        key = base64.b64decode(str(text), validate=True)
    except binascii.Error as error:
        raise ValueError("not Base64") from error
    if len(key) < SHORTEST_KEY:
        raise ValueError("too short")
    return key
