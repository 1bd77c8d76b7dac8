"""How complete the events of a run are, by the numbers its gateways gave them: what was sent, and what could count."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from connectors.simulator.kpis.number import Number, share
from connectors.simulator.kpis.window import Window
from connectors.simulator.moments import HOUR_MS
from connectors.simulator.numbering import Letter

_DOMAINS: Final = ("crane", "gate", "cargo", "vessel")
_BY_ASSET: Final = ("crane", "gate")


class Hour(NamedTuple):
    """Events of an asset in an hour: those that came, and those that its gateways numbered."""

    domain: str
    asset: str
    start_ms: int
    received: int
    expected: int


class Streams:
    """Takes in what is accepted, and answers per hour."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, str | None, str, str], list[tuple[int, int]]] = {}

    def observe(self, letter: Letter) -> None:
        """One accepted letter."""
        if letter.sequence is not None and domain_of(letter.fact.type) in _DOMAINS:
            self._streams.setdefault(letter.stream, []).append((letter.sequence, letter.fact.time_ms))

    def hours(self) -> list[Hour]:
        """Numbers missing between two that came are spread evenly between these; those before the first lie where it does."""
        counts: dict[tuple[str, str, int], list[int]] = {}
        for (_, _, subject, kind), told in self._streams.items():
            told.sort()
            first, first_ms = told[0]
            missing = [first_ms] * (first - 1)
            for (before, before_ms), (after, after_ms) in pairwise(told):
                missing += spread(before_ms, after_ms, after - before - 1)
            for at_ms, is_there in [*((at_ms, 1) for _, at_ms in told), *((at_ms, 0) for at_ms in missing)]:
                count = counts.setdefault((domain_of(kind), subject, at_ms // HOUR_MS * HOUR_MS), [0, 0])
                count[0] += is_there
                count[1] += 1
        return [Hour(*place, *count) for place, count in sorted(counts.items())]


def domain_of(event_type: str) -> str:
    """The word of `io.quaystream.<domain>.…`."""
    return event_type.split(".")[2]


def spread(from_ms: int, to_ms: int, n: int) -> list[int]:
    """`n` moments that part the time between two into n + 1 pieces of one length, in whole milliseconds, rounded down."""
    return [from_ms + (to_ms - from_ms) * number // (n + 1) for number in range(1, n + 1)]


def stream_numbers(hours: list[Hour], domain: str, window: Window) -> Iterator[Number]:
    """Of a domain's events at the site, and of each crane and gate."""
    inside = [hour for hour in hours if hour.domain == domain and window.holds(hour.start_ms)]
    assets = sorted({hour.asset for hour in inside}) if domain in _BY_ASSET else []
    for asset in (None, *assets) if inside else ():
        own = [hour for hour in inside if asset in (None, hour.asset)]
        received, expected = sum(hour.received for hour in own), sum(hour.expected for hour in own)
        yield share("completeness", received, expected)._replace(asset=asset, part=domain)
