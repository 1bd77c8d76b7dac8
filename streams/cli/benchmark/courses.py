"""The workloads of a benchmark, and what one has to be able to do to take part."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from schemas.errors import ConfigurationError
from streams.cli.benchmark.mixture import Mixture
from streams.cli.benchmark.mixture_oracle import expect_tables
from streams.cli.benchmark.oracle import Answer, expect
from streams.cli.benchmark.workload import Disturbed, Workload

BOOT = "bench"
PARTITIONS, MANY_PARTITIONS = 12, 48
HOT_STEP_US = 1_000


class Ability(StrEnum):
    """What a workload may ask for; the words follow `does not`."""

    KAFKA = "read from Kafka"
    REPEATS = "recognise repeats"
    TYPES = "take every event type"


@dataclass(frozen=True, slots=True)
class Course:
    """One workload: its records from a start (µs), the partitions of `crane-events`, and the oracle's answer."""

    name: str
    does: str
    source: Callable[[int], Any]
    asks: frozenset[Ability] = frozenset()
    partitions: int = PARTITIONS
    answer: Callable[[Any, int], Answer] = lambda source, count: expect(source.samples(count))


CRANE = Course("crane", "400 cranes at 10 Hz, 300 bytes a sample, 12 partitions", lambda start: Workload(BOOT, start))
MIXED = Course(
    "mixed",
    "all event types over all five topics: 58 % crane samples, 15 % radio, 10 % gate, 5 % cell counters, 5 % cargo, 7 % other",
    lambda start: Mixture(BOOT, start),
    frozenset({Ability.KAFKA, Ability.TYPES}),
    answer=lambda source, count: expect_tables(source.events(count)),
)
DUPLICATES = Course(
    "duplicates",
    "as crane; 10 % of the records repeat an earlier event, 5 % of the events come out of order and up to an hour late",
    lambda start: Disturbed(BOOT, start),
    frozenset({Ability.KAFKA, Ability.REPEATS}),
)
MANY = Course(
    "partitions",
    "as crane, spread over 48 partitions",
    lambda start: Workload(BOOT, start),
    frozenset({Ability.KAFKA}),
    MANY_PARTITIONS,
)
HOT = Course(
    "hot",
    "a single asset at 1,000 Hz: one key, one partition, one row of every rollup",
    lambda start: Workload(BOOT, start, 1, HOT_STEP_US),
)
COURSES = (CRANE, MIXED, DUPLICATES, MANY, HOT)


def chosen_courses(names: Iterable[str]) -> tuple[Course, ...]:
    """Workloads by name, in their usual order; raises ConfigurationError."""
    wanted = set(names)
    unknown = sorted(wanted - {course.name for course in COURSES})
    if unknown:
        known = ", ".join(course.name for course in COURSES)
        raise ConfigurationError(f"--workloads {unknown[0]}: no such workload, choose from {known}")
    return tuple(course for course in COURSES if course.name in wanted)
