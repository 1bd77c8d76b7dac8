"""Simulated runs that several tests look at, each played once."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from connectors.simulator import SimRecord, Simulation, SimulationOptions, parse_faults


@dataclass(frozen=True)
class Run:
    """A finished run: its records in the order of sending, and its truth."""

    options: SimulationOptions
    records: list[SimRecord]
    truth: dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """One well-formed event as a reader of the topic sees it."""

    record: SimRecord
    attributes: dict[str, Any]
    data: dict[str, Any]

    def is_(self, what: str) -> bool:
        return bool(self.attributes["type"] == f"io.quaystream.{what}.v1")


@cache
def _play(seed: int, minutes: float, faults: str, rate_hz: float) -> Run:
    duration = timedelta(minutes=minutes)
    options = SimulationOptions(seed=seed, duration=duration, faults=parse_faults(faults), rate_hz=rate_hz)
    simulation = Simulation(options)
    records = list(simulation.records())
    return Run(options, records, simulation.truth())


def _seen(record: SimRecord) -> Seen:
    assert record.value is not None
    headers = dict(record.headers)
    content = json.loads(record.value)
    if "ce_id" not in headers:
        return Seen(record, content, content["data"])
    attributes = {name[3:]: value.decode() for name, value in headers.items() if name.startswith("ce_")}
    return Seen(record, attributes, content)


@cache
def _quiet(minutes: float) -> tuple[Seen, ...]:
    return tuple(_seen(record) for record in _play(1, minutes, "none", 1.0).records)


@pytest.fixture(scope="session")
def play() -> Callable[..., Run]:
    def play(seed: int = 1, minutes: float = 2, faults: str = "none", rate_hz: float = 2.0) -> Run:
        return _play(seed, minutes, faults, rate_hz)

    return play


@pytest.fixture(scope="session")
def seen() -> Callable[[SimRecord], Seen]:
    return _seen


@pytest.fixture(scope="session")
def long_run() -> Run:
    """Forty minutes without faults, sampled once a second."""
    return _play(1, 40, "none", 1.0)


@pytest.fixture(scope="session")
def events() -> tuple[Seen, ...]:
    """The events of `long_run`."""
    return _quiet(40)
