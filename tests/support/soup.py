"""Records of every kind, drawn at random: new and repeated, numbered and not, conflicting, late, refused; and a plain oracle."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hypothesis import strategies as st

from schemas.outcome import Outcome, Reason
from tests.support.records import crane, encoded, numbered

DAY_S = 86_400.0
BOOTS = ("boot-1", "boot-2")


class Ingredient(NamedTuple):
    """One record's content: the same ingredient twice is the same event sent twice."""

    kind: str
    number: int
    bootid: str

    @property
    def event_id(self) -> str:
        return f"{self.kind}-{self.bootid}-{self.number}"

    def document(self) -> Any:
        """What its record holds."""
        made: dict[str, Callable[[], Any]] = {
            "numbered": lambda: numbered(self.number, bootid=self.bootid, id=self.event_id, load_t=float(self.number)),
            "conflicting": lambda: numbered(
                self.number, bootid=self.bootid, id=self.event_id, load_t=float(self.number)
            ),
            "plain": lambda: crane(self.event_id, ago_s=10.0 * self.number, load_t=float(self.number)),
            "late": lambda: crane(self.event_id, ago_s=30 * DAY_S + self.number),
            "too_old": lambda: crane(self.event_id, ago_s=91 * DAY_S),
            "clock_skew": lambda: crane(self.event_id, ago_s=-301.0),
            "invalid_data": lambda: crane(self.event_id, data={"load_t": "heavy"}),
            "bad_subject": lambda: crane(self.event_id, subject="crane 1"),
            "unknown_type": lambda: crane(self.event_id, type="io.quaystream.crane.sample.v9"),
            "not_cloudevent": lambda: {"id": self.event_id},
            "undecodable": lambda: b"{" * self.number,
        }
        return made[self.kind]()

    def value(self) -> bytes:
        return encoded(self.document())


REFUSED = {reason.value for reason in Reason}
GOOD_KINDS = ("numbered", "numbered", "numbered", "plain", "plain", "late")
BAD_KINDS = ("too_old", "clock_skew", "invalid_data", "bad_subject", "unknown_type", "not_cloudevent", "undecodable")


def ingredients(*kinds: str) -> st.SearchStrategy[Ingredient]:
    """Few numbers, so that repeats are frequent."""
    return st.builds(Ingredient, st.sampled_from(kinds), st.integers(1, 7), st.sampled_from(BOOTS))


SOUP = st.lists(ingredients(*GOOD_KINDS, "conflicting", *BAD_KINDS), min_size=1, max_size=14)
GOOD_SOUP = st.lists(ingredients(*GOOD_KINDS), min_size=1, max_size=14)

Ending = tuple[Outcome, Reason | None]


@dataclass
class Oracle:
    """Judges ingredients one at a time with two sets; what the worker must find, whatever the batches."""

    events: set[str] = field(default_factory=set)
    numbers: dict[tuple[str, int], str] = field(default_factory=dict)

    def judge(self, item: Ingredient) -> Ending:
        if item.kind in REFUSED:
            return Outcome.REJECTED, Reason(item.kind)
        if item.kind not in ("numbered", "conflicting"):
            return self._first(item)
        holder = self.numbers.setdefault((item.bootid, item.number), item.event_id)
        if holder != item.event_id:
            return Outcome.REJECTED, Reason.SEQUENCE_CONFLICT
        return self._first(item)

    def tally(self, items: Iterable[Ingredient]) -> Counter[Ending]:
        return Counter(map(self.judge, items))

    def _first(self, item: Ingredient) -> Ending:
        if item.event_id in self.events:
            return Outcome.DUPLICATE, None
        self.events.add(item.event_id)
        return Outcome.ACCEPTED, None
