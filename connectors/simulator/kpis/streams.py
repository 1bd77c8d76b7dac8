"""How complete the events of a run are, by the numbers its gateways gave them: what was sent, and what could count."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from connectors.simulator.kpis.number import Number, share
from connectors.simulator.kpis.window import Window
from connectors.simulator.moments import HOUR_MS
from connectors.simulator.numbering import Letter

_COUNTED: Final = {
    "io.quaystream.crane.sample.v1": "crane",
    "io.quaystream.crane.job.v1": "crane",
    "io.quaystream.gate.step.v1": "gate",
    "io.quaystream.cargo.milestone.v1": "cargo",
    "io.quaystream.vessel.milestone.v1": "vessel",
}
_BY_ASSET: Final = ("crane", "gate")


class Hour(NamedTuple):
    """Events of an asset's stream in an hour: those that came, and those that were numbered until then."""

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
        if letter.sequence is not None and letter.fact.type in _COUNTED:
            hour_ms = letter.fact.time_ms // HOUR_MS * HOUR_MS
            self._streams.setdefault(letter.stream, []).append((letter.sequence, hour_ms))

    def hours(self) -> list[Hour]:
        """A number that is missing between two that came belongs to the hour of the later one."""
        counts: dict[tuple[str, str, int], list[int]] = {}
        for (_, _, subject, kind), told in self._streams.items():
            told.sort()
            for before, (sequence, hour_ms) in pairwise([(told[0][0] - 1, 0), *told]):
                count = counts.setdefault((_COUNTED[kind], subject, hour_ms), [0, 0])
                count[0] += 1
                count[1] += sequence - before[0]
        return [Hour(*place, *count) for place, count in sorted(counts.items())]


def stream_numbers(hours: list[Hour], domain: str, window: Window) -> Iterator[Number]:
    """Of a domain's events at the site, and of each crane and gate."""
    inside = [hour for hour in hours if hour.domain == domain and window.holds(hour.start_ms)]
    assets = sorted({hour.asset for hour in inside}) if domain in _BY_ASSET else []
    for asset in (None, *assets) if inside else ():
        own = [hour for hour in inside if asset in (None, hour.asset)]
        received, expected = sum(hour.received for hour in own), sum(hour.expected for hour in own)
        yield share("completeness", received, expected)._replace(asset=asset, part=domain)
