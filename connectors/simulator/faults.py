"""The fault injector: what happens to letters between the gateway and the broker.

At most one thing happens to a letter. What is sent and accepted may be followed by a repeat of itself or by a
stranger under its number. What the facts of a scenario rest on is never lost, skewed or spoiled: they must come out.
"""

from collections import deque
from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Final

from connectors.simulator import poison
from connectors.simulator.envelope import Envelope, Rendered
from connectors.simulator.gateways import Place
from connectors.simulator.moments import MINUTE_MS, SECOND_MS, to_ms
from connectors.simulator.numbering import Letter
from connectors.simulator.options import SimulationOptions
from connectors.simulator.outbox import Fate, Sending
from connectors.simulator.scenarios import BESIDE
from connectors.simulator.skew import skewed
from schemas.outcome import Reason

LATENCY_MS: Final = 250
_REORDERED: Final = 0.01
_LATE: Final = 0.003
_LOSSES: Final = 0.002
_LOST_AT_MOST: Final = 6
_SKEWED: Final = 0.001
_SPOILED: Final = 0.0012
_FORGED: Final = 0.0025
_REPEATED: Final = 0.004
_REPEATED_UNNUMBERED: Final = 0.05  # few events, and the only ones whose repeats must be looked up
_CONFLICTS: Final = 0.0006
_EAGER: Final = 15  # a script has few events: of them so many times more are held up, repeated or copied
_OVERSIZED_EVERY_MS: Final = 5 * MINUTE_MS


class Faults:
    """Applies the chosen faults; without any it only adds the latency of the way."""

    def __init__(self, options: SimulationOptions, dice: Random, envelope: Envelope) -> None:
        self._on = options.faults
        self._plays = options.scenario is not None
        self._dice = dice
        self._envelope = envelope
        self._end_ms = to_ms(options.start + options.duration)
        self._oversized_ms = to_ms(options.start) + _OVERSIZED_EVERY_MS // 2
        self._losing: dict[tuple[str, str | None, str, str], int] = {}
        self._forged = count(1)
        self._marks = count(1)
        self._forgers = deque(poison.FORGED)
        self._spoilers = deque(poison.SPOILED)
        self.lost = 0

    def send(self, letter: Letter) -> Iterator[Sending]:
        """What becomes of one letter: usually one sending, perhaps none, perhaps a forged one beside it."""
        due_ms = letter.fact.time_ms + LATENCY_MS
        if not self._on:
            yield Sending(due_ms, self._envelope.render(letter), "accepted", letter)
            return
        if "poison" in self._on:
            yield from self._forge(letter, due_ms)
        if "loss" in self._on and not self._is_spared(letter) and self._is_lost(letter):
            self.lost += 1
            return
        yield self._mishandled(letter, due_ms)

    def follow(self, sending: Sending) -> Iterator[Sending]:
        """What comes later because `sending` was sent and accepted: never before it."""
        letter = sending.letter
        if not self._on or sending.fate != "accepted" or letter is None:
            return
        share = _REPEATED if letter.bootid else _REPEATED_UNNUMBERED
        eagerness = self._eagerness(letter)
        if "duplicates" in self._on and self._dice.random() < share * eagerness:
            yield self._repeat(sending)
        if "sequence_conflict" in self._on and letter.bootid and self._dice.random() < _CONFLICTS * eagerness:
            yield self._conflict(sending.send_ms, letter)

    def _mishandled(self, letter: Letter, due_ms: int) -> Sending:
        """The one sending of a letter: as it should be, held up, with a wrong clock, or spoiled."""
        dice, luck = self._dice, self._dice.random() / self._eagerness(letter)
        fate: Fate = "accepted"
        unspoilt = letter.sequence == 1 or self._is_spared(letter)
        if luck < _REORDERED:
            due_ms += dice.randrange(300, 8 * SECOND_MS) if "reordering" in self._on else 0
        elif luck < _REORDERED + _LATE:
            due_ms += dice.randrange(MINUTE_MS, 20 * MINUTE_MS) if "lateness" in self._on else 0
        elif luck < _REORDERED + _LATE + _SKEWED:
            if "clock_skew" in self._on and not unspoilt:
                letter, fate = skewed(letter, dice), Reason.CLOCK_SKEW
        elif luck < _REORDERED + _LATE + _SKEWED + _SPOILED and "poison" in self._on and not unspoilt:
            self._spoilers.rotate(-1)
            letter, fate = self._spoilers[0](letter, dice)
        record = self._envelope.render(letter)
        return Sending(self._before_end(due_ms), record if fate == "accepted" else self._marked(record), fate, letter)

    def _eagerness(self, letter: Letter) -> int:
        return _EAGER if self._is_spared(letter) and letter.fact.type.split(".")[2] != "crane" else 1

    def _is_spared(self, letter: Letter) -> bool:
        """Whether a scenario's facts rest on the letter; what is not part of it, is of the cell beside it."""
        return self._plays and not letter.fact.expendable and not letter.fact.subject.endswith(f"-{BESIDE}")

    def _is_lost(self, letter: Letter) -> bool:
        """Losses come in small bursts of one stream, never from its first number on."""
        if letter.sequence is None or letter.sequence == 1:
            return False
        left = self._losing.get(letter.stream, 0)
        if left == 0 and self._dice.random() < _LOSSES:
            left = self._dice.randint(1, _LOST_AT_MOST)
        self._losing[letter.stream] = max(left - 1, 0)
        return left > 0

    def _forge(self, letter: Letter, due_ms: int) -> Iterator[Sending]:
        if letter.fact.time_ms >= self._oversized_ms:
            self._oversized_ms += _OVERSIZED_EVERY_MS
            yield self._forgery(letter, due_ms, poison.oversized)
        if self._dice.random() < _FORGED:
            self._forgers.rotate(-1)
            yield self._forgery(letter, due_ms, self._forgers[0])

    def _forgery(self, letter: Letter, due_ms: int, forge: poison.Forged) -> Sending:
        fact = letter.fact._replace(gateway=letter.fact.gateway.structured())
        forged = Letter(fact, f"forged.{next(self._forged)}", letter.recorded_ms)
        record, fate = forge(forged, self._envelope)
        return Sending(due_ms, self._marked(record), fate, None)

    def _marked(self, record: Rendered) -> Rendered:
        """With a header of its own number, so that no two refused records are alike."""
        return record._replace(headers=(*record.headers, ("qs-n", str(next(self._marks)).encode())))

    def _repeat(self, sending: Sending) -> Sending:
        """The same bytes again: at once, or after a while."""
        later_ms = 0 if self._dice.getrandbits(1) else self._dice.randrange(SECOND_MS, 5 * MINUTE_MS)
        return sending._replace(send_ms=self._before_end(sending.send_ms + later_ms), fate="duplicate")

    def _conflict(self, sent_ms: int, letter: Letter) -> Sending:
        """Another event under a number that was used: at the same time, or at another."""
        stranger = letter._replace(id=f"{letter.id}.again")
        if self._dice.getrandbits(1):
            stranger = stranger._replace(fact=letter.fact._replace(time_ms=letter.fact.time_ms + 7))
        due_ms = self._before_end(sent_ms + self._dice.randrange(SECOND_MS, MINUTE_MS))
        record = self._marked(self._envelope.render(stranger))
        return Sending(due_ms, record, Reason.SEQUENCE_CONFLICT, stranger)

    def _before_end(self, due_ms: int) -> int:
        """Whatever is held up is sent before the run ends."""
        return min(due_ms, self._end_ms + LATENCY_MS)


def restarts(options: SimulationOptions, dice: Random, places: tuple[Place, ...]) -> dict[str, int]:
    """When gateways restart, by source: about half of those that number, once each, in the middle part of the run."""
    if "gateway_restart" not in options.faults:
        return {}
    numbered = [g.source for place in places for g in place.gateways.values() if g.numbered]
    chosen = [source for source in numbered if dice.getrandbits(1)] or numbered[:1]
    start_ms = to_ms(options.start)
    span_ms = round(options.duration.total_seconds() * SECOND_MS)
    return {source: start_ms + round(span_ms * dice.uniform(0.3, 0.7)) for source in chosen}
