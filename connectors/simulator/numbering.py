"""Facts become letters: each gets its id and, from gateways that number, the boot and the place in its stream."""

from collections.abc import Mapping
from itertools import count
from random import Random
from typing import NamedTuple

from connectors.simulator.facts import Fact
from connectors.simulator.gateways import Gateway

_DELAY_MS = (20, 200)


class Letter(NamedTuple):
    """A fact with its identity. `bootid` and `sequence` are None where the gateway does not number."""

    fact: Fact
    id: str
    recorded_ms: int
    bootid: str | None = None
    sequence: int | None = None

    @property
    def stream(self) -> tuple[str, str | None, str, str]:
        """What `sequence` counts in."""
        fact = self.fact
        return fact.gateway.source, self.bootid, fact.subject, fact.type


class Numbering:
    """Counts 1, 2, 3 … per (source, boot, subject, type). `restarts_ms` = when gateways begin a new boot, by source."""

    def __init__(self, run: str, dice: Random, restarts_ms: Mapping[str, int]) -> None:
        self._run = run
        self._dice = dice
        self._restarts_ms = restarts_ms
        self._streams: dict[tuple[str, int, str, str], tuple[count[int], str, str]] = {}
        self._unnumbered: dict[str, count[int]] = {}

    def letter(self, fact: Fact) -> Letter:
        """The next letter of the fact's stream."""
        gateway = fact.gateway
        recorded_ms = fact.time_ms + int(self._dice.random() * (_DELAY_MS[1] - _DELAY_MS[0])) + _DELAY_MS[0]
        if not gateway.numbered:
            return Letter(fact, self._unnumbered_id(gateway), recorded_ms)
        restart_ms = self._restarts_ms.get(gateway.source)
        boot = 1 if restart_ms is None or fact.time_ms < restart_ms else 2
        key = (gateway.source, boot, fact.subject, fact.type)
        stream = self._streams.get(key)
        if stream is None:
            asset = fact.subject.rpartition("-")[2].lower()
            what = ".".join(fact.type.split(".")[2:4])
            stream = self._streams[key] = (count(1), f"{asset}.{what}.{boot}.", f"{self._run}-{boot}")
        numbers, stem, bootid = stream
        sequence = next(numbers)
        return Letter(fact, f"{stem}{sequence}", recorded_ms, bootid, sequence)

    def _unnumbered_id(self, gateway: Gateway) -> str:
        numbers = self._unnumbered.setdefault(gateway.source, count(1))
        return f"{self._run}.{next(numbers):06d}"
