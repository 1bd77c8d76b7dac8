"""The events of a benchmark: always the same, and ones the product takes."""

from itertools import pairwise

from schemas.events.crane import CraneSample
from streams.cli.benchmark.workload import STEP_US, Workload, encode
from streams.core.decode import Decoder
from streams.core.envelope import Event
from tests.support.records import Sent

START_US = 1_764_000_000_000_000
WORKLOAD = Workload("bench", START_US, cranes=3)


def test_same_number_is_the_same_event_in_every_run() -> None:
    again = Workload("bench", START_US, cranes=3)
    assert list(map(encode, WORKLOAD.samples(50))) == list(map(encode, again.samples(50)))


def test_another_run_shares_no_event() -> None:
    other = Workload("other", START_US, cranes=3)
    assert {s.event_id for s in WORKLOAD.samples(50)}.isdisjoint(s.event_id for s in other.samples(50))


def test_every_crane_counts_from_one_without_a_gap() -> None:
    for crane in WORKLOAD.names:
        numbers = [sample.sequence for sample in WORKLOAD.samples(30) if sample.crane == crane]
        assert numbers == list(range(1, 11))


def test_a_crane_samples_every_tenth_of_a_second() -> None:
    times = [sample.time_us for sample in WORKLOAD.samples(30) if sample.crane == WORKLOAD.names[0]]
    assert {later - earlier for earlier, later in pairwise(times)} == {STEP_US}


def test_the_worker_accepts_every_event() -> None:
    decoder = Decoder([CraneSample], 1_048_576)
    decoded = decoder.decode([Sent(0, encode(sample)) for sample in WORKLOAD.samples(2_000)]).events
    assert [event for event in decoded if not isinstance(event, Event)] == []


def test_an_event_is_about_300_bytes() -> None:
    sizes = [len(encode(sample)) for sample in Workload("bench", START_US).samples(2_000)]
    assert 270 < sum(sizes) / len(sizes) < 330


def test_some_loads_are_absent() -> None:
    loads = [sample.load_t for sample in WORKLOAD.samples(100)]
    assert None in loads
    assert any(load is not None for load in loads)
