"""One passage of a truck through a gate, step by step: seconds where nobody has to act, minutes where somebody must."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal, NamedTuple

from connectors.simulator import ocr
from connectors.simulator.boxes import Box

# How often a person has to act, or customs says no.
_NOT_EXPECTED_SHARE: Final = 0.04
_PAPERS_SHARE: Final = 0.15
_HOLD_SHARE: Final = 0.03
_AGENCY_SHARE: Final = 0.03
_SEAL_SHARE: Final = 0.08
_TRUCK_KG: Final = 14_500
_EXCEPTIONS: Final = ("no_appointment", "wrong_container", "damaged", "seal_missing")
_MANUAL_S: Final = (45.0, 110.0)
_HOLD_S: Final = (240.0, 900.0)


@dataclass(frozen=True, slots=True)
class Trip:
    """One truck's stay: `box` travels in (an export) or out (an import)."""

    visit_id: str
    plate: str
    box: Box
    carries: Literal["in", "out"]


class Step(NamedTuple):
    """What happens next in a passage: after how long, and the data of the step or of a camera's reading."""

    after_s: float
    what: Literal["step", "ocr"]
    data: dict[str, Any]


class Passage:
    """A trip's way through one lane, inward or outward."""

    def __init__(self, trip: Trip, lane: str, direction: Literal["in", "out"], dice: Random) -> None:
        self._trip = trip
        self.lane = lane
        self._direction = direction
        self._dice = dice
        self._laden = trip.carries == direction

    def steps(self) -> Iterator[Step]:
        """Everything between the lane's first sensor and the way out, in order."""
        yield self._system(0.0, "lane_entered")
        yield from self._cameras()
        if self._direction == "in":
            yield from self._papers()
        yield from self._customs()
        if self._laden:
            yield self._system(self._blink(), "weighed", weight_kg=self._weight_kg())
            yield from self._seal()
        yield self._system(self._blink(), "barrier_opened")
        yield self._system(self._dice.uniform(4, 12), "gate_left")

    def queued(self) -> Step:
        """The truck joins the queue in front of the lanes."""
        return self._system(0.0, "queue_entered")

    def _cameras(self) -> Iterator[Step]:
        readings = {"plate": self._trip.plate}
        if self._laden:
            readings |= {"container": self._trip.box.number, "iso_type": self._trip.box.iso_code}
        corrected = False
        for kind, text in readings.items():
            reading = ocr.read(text, self._dice)
            corrected = corrected or reading.corrected is not None
            yield Step(self._dice.uniform(0.3, 0.9), "ocr", reading.as_data(self._trip.visit_id, self.lane, kind))
        if corrected:
            yield self._by_hand("ocr_read", "terminal")
        else:
            yield self._system(self._blink(), "ocr_read")

    def _papers(self) -> Iterator[Step]:
        luck = self._dice.random()
        if luck < _NOT_EXPECTED_SHARE:
            yield self._system(self._blink(), "appointment_checked", result="fail")
            yield self._by_hand("exception", "terminal", result="ok", reason=self._dice.choice(_EXCEPTIONS))
        else:
            yield self._system(self._blink(), "appointment_checked", result="ok")
        if luck > 1 - _PAPERS_SHARE:
            yield self._by_hand("document_checked", self._dice.choice(("driver", "terminal", "tax")), result="ok")
        else:
            yield self._system(self._blink(), "document_checked", result="ok")

    def _customs(self) -> Iterator[Step]:
        luck = self._dice.random()
        if luck < _HOLD_SHARE:
            yield self._step(self._blink(), "customs_checked", "customs", result="hold", reason="customs_hold")
            hold_s = self._dice.uniform(*_HOLD_S)
            yield self._step(hold_s, "customs_checked", "customs", manual=True, result="ok")
        else:
            yield self._step(self._blink(), "customs_checked", "customs", result="ok")
        if luck > 1 - _AGENCY_SHARE:
            actor = self._dice.choice(("border_guard", "port_authority"))
            yield self._by_hand("document_checked", actor, result="ok")

    def _seal(self) -> Iterator[Step]:
        if self._dice.random() < _SEAL_SHARE:
            yield self._by_hand("seal_checked", "terminal", result="ok")
        else:
            seal = ocr.read(f"VN{self._dice.randrange(10**6, 10**7)}", self._dice)
            yield Step(self._blink(), "ocr", seal.as_data(self._trip.visit_id, self.lane, "seal"))
            yield self._system(self._blink(), "seal_checked", result="ok")

    def _blink(self) -> float:
        return self._dice.uniform(0.6, 2.8)

    def _weight_kg(self) -> float:
        return round(_TRUCK_KG + self._trip.box.gross_t * 1000 + self._dice.uniform(-60, 60), 0)

    def _system(self, after_s: float, step: str, **more: Any) -> Step:
        return self._step(after_s, step, "system", **more)

    def _by_hand(self, step: str, actor: str, **more: Any) -> Step:
        return self._step(self._dice.uniform(*_MANUAL_S), step, actor, manual=True, **more)

    def _step(self, after_s: float, step: str, actor: str, **more: Any) -> Step:
        data: dict[str, Any] = {
            "visit_id": self._trip.visit_id,
            "lane": self.lane,
            "direction": self._direction,
            "step": step,
            "actor": actor,
            "manual": False,
            "truck_plate": self._trip.plate,
        }
        if self._laden:
            data["equipment_reference"] = self._trip.box.number
        return Step(after_s, "step", data | more)
