"""The events of a benchmark: always the same, and ones the product takes."""

from itertools import pairwise

from schemas.events import EVENTS_BY_DOMAIN, MODELS
from schemas.events.crane import CraneSample
from streams.cli.benchmark.mixture import Mixture
from streams.cli.benchmark.workload import STEP_US, Disturbed, Workload, encode
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


DISTURBED = Disturbed("bench", START_US)


def test_a_tenth_of_the_disturbed_records_repeat_an_earlier_event() -> None:
    ids = [sample.event_id for sample in DISTURBED.samples(50_000)]
    assert 0.09 < 1 - len(set(ids)) / len(ids) < 0.11
    assert list(DISTURBED.samples(300)) == list(Disturbed("bench", START_US).samples(300))


def test_a_repeat_keeps_id_time_and_number() -> None:
    samples = list(DISTURBED.samples(50_000))
    assert len(set(samples)) == len({sample.event_id for sample in samples})


def test_about_a_twentieth_of_the_disturbed_events_come_late() -> None:
    first = {sample.event_id: sample for sample in reversed(list(DISTURBED.samples(50_000)))}
    plain = {sample.event_id: sample.time_us for sample in Workload("bench", START_US).samples(50_000)}
    late = [sample for name, sample in first.items() if name in plain and sample.time_us < plain[name]]
    assert 0.04 < len(late) / len(first) < 0.07
    assert max(plain[s.event_id] - s.time_us for s in late) == 3_600_000_000


def test_the_mixture_has_every_event_type_and_the_worker_accepts_it() -> None:
    records = list(Mixture("bench", START_US).records(5_000))
    kinds = set()
    for topic, models in ((f"{name}-events", models) for name, models in EVENTS_BY_DOMAIN.items()):
        decoded = Decoder(models, 1_048_576).decode([Sent(0, r.value, r.key) for r in records if r.topic == topic])
        assert decoded.refusals == {}, topic
        kinds |= {event.type for event in decoded.events if event is not None}
    assert kinds == set(MODELS)
    assert 0.55 < sum(r.topic == "crane-events" for r in records) / len(records) < 0.72
