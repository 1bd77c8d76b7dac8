"""The yard of one site: boxes on their way from quay to stack, through customs, to a truck, and back.

Customs takes minutes here instead of days, so that a short run shows whole visits of boxes.
"""

import heapq
import math
from itertools import count
from random import Random
from typing import Final

from connectors.simulator.boxes import Box
from connectors.simulator.gateways import Place
from connectors.simulator.world import World

_SCAN_SHARE: Final = 0.05
_INSPECTION_SHARE: Final = 0.02
_TAX_SHARE: Final = 0.3
_CLEARANCE_MEDIAN_S: Final = 720
_MOST_WAITING: Final = 60


class Shelf:
    """Boxes that can be taken from a moment on, the earliest first."""

    def __init__(self) -> None:
        self._boxes: list[tuple[int, int, Box]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._boxes)

    def put(self, ready_ms: int, box: Box) -> None:
        heapq.heappush(self._boxes, (ready_ms, next(self._order), box))

    def take(self, at_ms: int) -> Box | None:
        """The box that has waited longest, if one is ready."""
        if self._boxes and self._boxes[0][0] <= at_ms:
            return heapq.heappop(self._boxes)[2]
        return None


class Yard:
    """Three shelves: `incoming` wait for a yard crane, `released` for a truck, `exports` for the ship."""

    def __init__(self, world: World, place: Place) -> None:
        self._world = world
        self._place = place
        self._dice: Random = world.dice(f"yard/{place.site_id}")
        self.incoming = Shelf()
        self.released = Shelf()
        self.exports = Shelf()

    def discharged(self, box: Box, at_ms: int) -> None:
        """A box came off the ship; a tractor brings it to the stack."""
        ready_ms = at_ms + self._dice.randrange(180_000, 420_000)
        if len(self.incoming) < _MOST_WAITING:
            self.incoming.put(ready_ms, box)
        else:  # another machine, which reports nothing, takes it
            self.stacked(box, ready_ms + 60_000)

    def stacked(self, box: Box, at_ms: int) -> None:
        """A box stands in the stack; customs begins."""
        self._world.post_cargo(self._place, at_ms, box.milestone("stacked"))
        self.released.put(self._clear(box, at_ms + self._dice.randrange(30_000, 120_000)), box)

    def received(self, box: Box, at_ms: int) -> None:
        """A truck brought a box for the ship."""
        stacked_ms = at_ms + self._dice.randrange(300_000, 1_200_000)
        self._world.post_cargo(self._place, at_ms, box.milestone("gated_in"))
        self._world.post_cargo(self._place, stacked_ms, box.milestone("stacked"))
        self.exports.put(self._clear(box, stacked_ms + 30_000), box)

    def summon(self, at_ms: int) -> Box:
        """A box for a truck to fetch: one released before, or one from an earlier day that is released now."""
        box = self.released.take(at_ms)
        if box is None:
            box = self._world.boxes.new(self._dice)
            self._tell(box, at_ms, "clearance", agency="customs", status="cleared")
            self._tell(box, at_ms + 400, "released", agency="customs")
        return box

    def _clear(self, box: Box, at_ms: int) -> int:
        """Customs looks at a box; the moment of its release."""
        dice = self._dice
        self._tell(box, at_ms, "clearance", agency="customs", status="requested")
        end_ms = at_ms + round(dice.lognormvariate(math.log(_CLEARANCE_MEDIAN_S), 0.6) * 1000)
        luck = dice.random()
        if luck < _SCAN_SHARE + _INSPECTION_SHARE:
            status = "selected_scan" if luck < _SCAN_SHARE else "selected_inspection"
            self._tell(box, at_ms + 5_000, "clearance", agency="customs", status=status)
            end_ms += dice.randrange(900_000, 3_600_000)
        if dice.random() < _TAX_SHARE:
            self._tell(box, (at_ms + end_ms) // 2, "clearance", agency="tax", status="cleared")
        self._tell(box, end_ms, "clearance", agency="customs", status="cleared")
        released_ms = end_ms + dice.randrange(1_000, 5_000)
        self._tell(box, released_ms, "released", agency="customs")
        return released_ms

    def _tell(self, box: Box, at_ms: int, milestone: str, **more: str) -> None:
        self._world.post_cargo(self._place, at_ms, box.milestone(milestone, **more))
