"""The work that may have been hindered: cycles of a crane, or trips of a vehicle, as the attribution sees them."""

from collections.abc import Sequence
from typing import NamedTuple

from streams.attribution.spans import Span, without


class Cycle(NamedTuple):
    """One cycle, trip or aborted attempt [from_s, until_s) in epoch seconds; `locked_s` = when its payload was taken.

    `kind` and `mode` say what it may be compared with. `outcome`: `counted`, `aborted`, or another, which is compared
    but never a comparison.
    """

    cycle_id: str
    from_s: float
    until_s: float
    locked_s: float
    kind: str | None
    mode: str | None
    outcome: str

    def working(self, idle: Sequence[Span]) -> list[Span]:
        """Its time without that in which the machine said that it stood idle."""
        return without([Span(self.from_s, self.until_s)], idle)
