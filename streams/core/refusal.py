"""A refusal: why one record is rejected, with what is known of its event so that the dead letter can be found again."""

from dataclasses import dataclass
from typing import Final

from schemas.outcome import Reason

LONGEST_DETAIL: Final = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """`detail` says what was wrong in words for people; the identity fields are None where not known."""

    reason: Reason
    detail: str
    source: str | None = None
    event_id: str | None = None
    bootid: str | None = None
    subject: str | None = None
    type: str | None = None
    sequence: int | None = None

    def __post_init__(self) -> None:
        # A detail repeats what it found, and that may be a megabyte.
        if len(self.detail) > LONGEST_DETAIL:
            object.__setattr__(self, "detail", self.detail[: LONGEST_DETAIL - 1] + "…")


class RefusedError(Exception):
    """Raised inside the careful path to end with a refusal; never leaves the decoder."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal
