"""What Grafana makes of a query before it sends it: macros and variables become times and values.

Only what our dashboards use. Anything else that Grafana would expand raises UnknownMacroError.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


class UnknownMacroError(ValueError):
    """A query says something that this module cannot expand."""


@dataclass(frozen=True)
class Chosen:
    """The time a dashboard shows, and what its reader has chosen for each variable."""

    since: datetime
    until: datetime
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rate_interval_s: int = 60

    @property
    def range_s(self) -> int:
        return int((self.until - self.since).total_seconds())


def promql(text: str, chosen: Chosen) -> str:
    """The query as Prometheus gets it."""
    made = text.replace("$__rate_interval", f"{chosen.rate_interval_s}s").replace("$__range", f"{chosen.range_s}s")
    made = re.sub(r"\$\{(\w+):regex\}", lambda found: _alternatives(_values(found[1], chosen)), made)
    return _whole(made)


def sql(text: str, chosen: Chosen) -> str:
    """The query as PostgreSQL gets it."""
    since, until = _moment(chosen.since), _moment(chosen.until)
    made = re.sub(r"\$__timeFilter\(([^()]+)\)", rf"\1 BETWEEN {since} AND {until}", text)
    made = made.replace("$__timeFrom()", since).replace("$__timeTo()", until)
    made = made.replace("$__unixEpochFrom()", str(int(chosen.since.timestamp())))
    made = made.replace("$__unixEpochTo()", str(int(chosen.until.timestamp())))
    made = re.sub(r"\$\{(\w+):sqlstring\}", lambda found: ",".join(map(_quoted, _values(found[1], chosen))), made)
    return _whole(made)


def _values(name: str, chosen: Chosen) -> Sequence[str]:
    if not chosen.values.get(name):
        raise UnknownMacroError(f"nothing is chosen for ${name}")
    return chosen.values[name]


def _alternatives(values: Sequence[str]) -> str:
    """As Grafana does: escaped for a regular expression, and once more for PromQL's string."""
    return "(" + "|".join(re.escape(value).replace("\\", "\\\\") for value in values) + ")"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _moment(at: datetime) -> str:
    return f"'{at.isoformat().replace('+00:00', 'Z')}'"


def _whole(text: str) -> str:
    if left := re.search(r"\$\{?\w+", text):
        raise UnknownMacroError(f"{left[0]} is not expanded: {text[max(0, left.start() - 40) : left.end() + 10]}")
    return text
