"""How long a container waited for each agency: from the first asking (requested, selected, hold) until it is cleared.

Waits of several agencies overlap. Such a stretch is shared equally among those that kept the container then, so that
the parts add up to the time in which anybody did, to the microsecond, and nobody pays for another.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from streams.facts.fact import Row
from streams.facts.order import us_between

ASKS: Final = ("requested", "selected_scan", "selected_inspection", "hold")
_CLEARS: Final = "cleared"
_RELEASES: Final = "customs"  # a release that names nobody is theirs (domain words 12.1)
_NOBODY: Final = "unknown"

Stretch = tuple[str, datetime, datetime]


@dataclass(frozen=True, slots=True)
class Waiting:
    """`us` = microseconds in which any agency was waited for, `us_by_agency` = its parts by agency.

    `cleared_at` = the last clearance (or the release, where none was told), None while an agency still has it.
    """

    us: int
    us_by_agency: dict[str, int]
    cleared_at: datetime | None


def waiting_of(visit: Sequence[Row], start: datetime, end: datetime) -> Waiting:
    """The waits within [start, end); a wait nobody ended lasts until `end`. `visit` by time, askers first."""
    open_since: dict[str, datetime] = {}
    stretches: list[Stretch] = []
    for agency, status, at in _told(visit):
        if status in ASKS:
            open_since.setdefault(agency, at)
            continue
        if agency in open_since:
            stretches.append((agency, open_since.pop(agency), at))
    stretches += [(agency, since, end) for agency, since in open_since.items()]
    shares = _shares((agency, max(since, start), min(until, end)) for agency, since, until in stretches)
    return Waiting(sum(shares.values()), dict(sorted(shares.items())), None if open_since else _cleared_at(visit))


def _cleared_at(visit: Sequence[Row]) -> datetime | None:
    cleared = [row["time"] for row in visit if row["milestone"] == "clearance" and row["status"] == _CLEARS]
    released = [row["time"] for row in visit if row["milestone"] == "released"]
    return cleared[-1] if cleared else next(iter(released), None)


def _told(visit: Sequence[Row]) -> Iterator[tuple[str, str, datetime]]:
    """Who asked or cleared, when. A release clears too, in case the clearance before it was lost."""
    for row in visit:
        if row["milestone"] == "released":
            agency = row["agency"] or _RELEASES
            yield agency, _CLEARS, row["time"]
        elif row["milestone"] == "clearance" and row["status"] in (*ASKS, _CLEARS):
            yield row["agency"] or _NOBODY, row["status"], row["time"]


def _shares(stretches: Iterable[Stretch]) -> dict[str, int]:
    """Microseconds per agency; the odd ones of a shared stretch go to the first names."""
    waits = [stretch for stretch in stretches if stretch[1] < stretch[2]]
    shares = {agency: 0 for agency, _, _ in waits}
    bounds = sorted({at for _, since, until in waits for at in (since, until)})
    for begin, finish in pairwise(bounds):
        waiting = sorted({agency for agency, since, until in waits if since <= begin and until >= finish})
        if not waiting:
            continue
        each, odd = divmod(us_between(begin, finish), len(waiting))
        for number, agency in enumerate(waiting):
            shares[agency] += each + (number < odd)
    return shares
