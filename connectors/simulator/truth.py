"""The truth: what the database must show once everything that was sent has been processed.

An oracle of its own: it knows what was sent and with what intent, and shares no code with the worker.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from connectors.simulator.kpis.expected import Done, expected_kpis
from connectors.simulator.kpis.streams import Streams
from connectors.simulator.minutes import Minutes
from connectors.simulator.moments import rfc3339, to_ms
from connectors.simulator.numbering import Letter
from connectors.simulator.options import SimulationOptions
from connectors.simulator.outbox import Sending
from connectors.simulator.world import Chronicle
from schemas.outcome import Reason

Stream = tuple[str, str | None, str, str]


class Truth:
    """Takes every sending in as it is sent; `as_json` may be asked at any time."""

    def __init__(self, options: SimulationOptions) -> None:
        self._options = options
        self._outcomes: Counter[str] = Counter()
        self._per_topic: Counter[str] = Counter()
        self._sources: set[str] = set()
        self._minutes = Minutes()
        self._numbers: dict[Stream, tuple[int, int]] = {}
        self._refused_numbers: dict[Stream, set[int]] = {}
        self._streams = Streams()
        self._newest_ms = 0

    def observe(self, sending: Sending) -> None:
        """One record was sent."""
        self._outcomes[sending.fate] += 1
        self._per_topic[sending.record.topic] += 1
        letter = sending.letter
        if letter is None:
            return
        self._sources.add(letter.fact.gateway.source)
        if sending.fate == "accepted":
            self._minutes.add(letter.fact)
            self._see(letter)
            if letter.sequence is not None:
                accepted, highest = self._numbers.get(letter.stream, (0, 0))
                self._numbers[letter.stream] = (accepted + 1, max(highest, letter.sequence))
        elif letter.sequence is not None and sending.fate not in ("duplicate", Reason.SEQUENCE_CONFLICT):
            self._refused_numbers.setdefault(letter.stream, set()).add(letter.sequence)

    def _see(self, letter: Letter) -> None:
        """What KPIs rest on: how complete events are, and how far they tell of the port. The network's do not."""
        if self._options.scenario and letter.fact.type.split(".")[2] != "cell":
            self._streams.observe(letter)
            self._newest_ms = max(self._newest_ms, letter.fact.time_ms)

    @property
    def missing_sequences(self) -> int:
        """Numbers below the highest accepted of their stream that were neither accepted nor refused."""
        return sum(
            highest - accepted - sum(number < highest for number in self._refused_numbers.get(stream, ()))
            for stream, (accepted, highest) in self._numbers.items()
        )

    def as_json(self, chronicle: Chronicle, until_ms: int) -> dict[str, Any]:
        """The truth file (`docs/how-to/simulate.md` says what each entry means); lifts and visits up to `until_ms`."""
        options, outcomes = self._options, self._outcomes
        rejected = {reason.value: outcomes[reason] for reason in Reason if outcomes[reason]}
        return {
            "run": options.run,
            "seed": options.seed,
            "start": rfc3339(to_ms(options.start)),
            "duration_s": options.duration.total_seconds(),
            "faults": sorted(options.faults),
            "sources": sorted(self._sources),
            "produced": outcomes.total(),
            "accepted": outcomes["accepted"],
            "duplicate": outcomes["duplicate"],
            "rejected": rejected,
            "missing_sequences": self.missing_sequences,
            "per_topic": dict(sorted(self._per_topic.items())),
            "rows": dict(sorted(self._minutes.rows.items())),
            "rollups": self._minutes.as_json(),
            "cycles": _cycles(chronicle, until_ms),
            "visits": [
                _with_times(visit, until_ms, "queue_entered", "in_left", "out_left") for visit in chronicle.visits
            ],
            **self._kpis(chronicle, until_ms),
            **({"scenario": options.scenario, "facts": _told(chronicle.facts, until_ms)} if options.scenario else {}),
            **({"radio": _told(chronicle.radio, until_ms)} if chronicle.radio else {}),
        }

    def _kpis(self, chronicle: Chronicle, until_ms: int) -> dict[str, list[dict[str, Any]]]:
        """Of a scenario that states them and was not interrupted."""
        start_ms = to_ms(self._options.start)
        if chronicle.site is None or until_ms < to_ms(self._options.start + self._options.duration):
            return {}
        facts = _told(chronicle.facts, until_ms)
        hours = self._streams.hours()
        done = Done(chronicle.site, facts, chronicle.diaries, hours, start_ms, self._newest_ms)
        return {"kpis": expected_kpis(done)}


def _told(told: Iterable[tuple[int, str, dict[str, Any]]], until_ms: int) -> dict[str, list[dict[str, Any]]]:
    """By table, what a scenario says must be found; of what was not over in time nothing is said."""
    found: dict[str, list[dict[str, Any]]] = {}
    for over_ms, table, row in told:
        if over_ms <= until_ms:
            found.setdefault(table, []).append(row)
    return found


def _cycles(chronicle: Chronicle, until_ms: int) -> list[dict[str, Any]]:
    finished = (cycle for cycle in chronicle.cycles if cycle["unlocked_at"] < until_ms)
    in_order = sorted(finished, key=lambda cycle: (cycle["crane_id"], cycle["locked_at"]))
    return [_with_times(cycle, until_ms, "started_at", "landed_at", "locked_at", "unlocked_at") for cycle in in_order]


def _with_times(entry: dict[str, Any], until_ms: int, *names: str) -> dict[str, Any]:
    """Times as text; what would have come after the end has not happened."""
    times = {name: entry[name] for name in names}
    return entry | {
        name: None if at_ms is None or at_ms >= until_ms else rfc3339(at_ms) for name, at_ms in times.items()
    }
