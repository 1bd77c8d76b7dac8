"""What a gate camera makes of a text: 98 % right at first pass, else one character taken for its look-alike."""

from random import Random
from typing import Any, Final, NamedTuple

_RIGHT_SHARE: Final = 0.98
_CONFUSED: Final = {
    "O": "0", "0": "O", "I": "1", "1": "I", "B": "8", "8": "B",
    "S": "5", "5": "S", "Z": "2", "2": "Z", "G": "6", "6": "G",
}  # fmt: skip


class Reading(NamedTuple):
    """What was read, how sure the camera was, and the right text where a person had to give it."""

    value: str
    confidence: float
    corrected: str | None

    def as_data(self, visit_id: str, lane: str, kind: str) -> dict[str, Any]:
        """Data of a gate OCR event."""
        data = {
            "visit_id": visit_id,
            "lane": lane,
            "kind": kind,
            "value": self.value,
            "confidence": self.confidence,
        }
        return data if self.corrected is None else data | {"corrected_value": self.corrected}


def read(text: str, dice: Random) -> Reading:
    """One pass of a camera over `text`."""
    confusable = [i for i, character in enumerate(text) if character in _CONFUSED]
    if dice.random() < _RIGHT_SHARE or not confusable:
        return Reading(text, round(dice.uniform(0.93, 0.999), 3), None)
    i = dice.choice(confusable)
    misread = text[:i] + _CONFUSED[text[i]] + text[i + 1 :]
    return Reading(misread, round(dice.uniform(0.55, 0.92), 3), text)
