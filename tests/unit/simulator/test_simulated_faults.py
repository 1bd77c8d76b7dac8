"""Each fault does what its name says, and nothing else."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from connectors.simulator import FAULTS, SimRecord, SimulationOptions, poison
from connectors.simulator.envelope import Envelope
from connectors.simulator.facts import Fact
from connectors.simulator.faults import Faults
from connectors.simulator.gateways import places
from connectors.simulator.numbering import Letter
from connectors.simulator.skew import skewed
from schemas.outcome import Reason

YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)
CLOSED_LIST = {str(reason) for reason in Reason}


@pytest.fixture(scope="module")
def faulty(play: Callable[..., Any]) -> Callable[[str], Any]:
    return lambda name: play(minutes=15, faults=name, rate_hz=0.8)


def sequences(records: list[SimRecord], seen: Callable[[SimRecord], Any]) -> dict[tuple[str, ...], list[int]]:
    streams: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for record in records:
        attributes = seen(record).attributes
        if "sequence" in attributes:
            key = tuple(attributes[name] for name in ("source", "bootid", "subject", "type"))
            streams[key].append(int(attributes["sequence"]))
    return streams


def happened(record: SimRecord, seen: Callable[[SimRecord], Any]) -> datetime:
    return datetime.fromisoformat(seen(record).attributes["time"])


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_alone_rejects_only_what_it_is_about(faulty: Callable[[str], Any], name: str) -> None:
    truth = faulty(name).truth
    rejected = set(truth["rejected"])
    expected = {
        "clock_skew": {"clock_skew"},
        "sequence_conflict": {"sequence_conflict"},
        "poison": {"undecodable", "not_cloudevent", "unknown_type", "bad_subject", "invalid_data", "too_large"},
    }
    assert rejected == expected.get(name, set())
    assert (truth["duplicate"] > 0) == (name == "duplicates")
    assert (truth["missing_sequences"] > 0) == (name == "loss")
    assert truth["produced"] == truth["accepted"] + truth["duplicate"] + sum(truth["rejected"].values())


def test_all_faults_together_still_give_every_record_one_outcome(faulty: Callable[[str], Any]) -> None:
    run = faulty("all")
    assert len(run.records) == run.truth["produced"]
    counts = run.truth["accepted"] + run.truth["duplicate"] + sum(run.truth["rejected"].values())
    assert counts == run.truth["produced"]
    assert set(run.truth["rejected"]) <= CLOSED_LIST


def test_duplicates_are_the_same_bytes_at_once_or_later(faulty: Callable[[str], Any]) -> None:
    run = faulty("duplicates")
    places_of: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for position, record in enumerate(run.records):
        places_of[tuple(record[:4])].append(position)
    repeats = [positions for positions in places_of.values() if len(positions) > 1]
    assert sum(len(positions) - 1 for positions in repeats) == run.truth["duplicate"]
    distances = [b - a for positions in repeats for a, b in pairwise(positions)]
    assert min(distances) == 1
    assert max(distances) > 1000


def test_duplicates_hit_numbered_and_unnumbered_sources(faulty: Callable[[str], Any], seen: Callable[..., Any]) -> None:
    records = faulty("duplicates").records
    copies = Counter(record.value for record in records)
    assert {"sequence" in seen(r).attributes for r in records if copies[r.value] > 1} == {True, False}


def test_reordering_changes_the_order_by_seconds_and_loses_nothing(
    faulty: Callable[[str], Any], seen: Callable[..., Any]
) -> None:
    run = faulty("reordering")
    streams = sequences(run.records, seen)
    assert any(numbers != sorted(numbers) for numbers in streams.values())
    assert all(sorted(numbers) == list(range(1, len(numbers) + 1)) for numbers in streams.values())
    delays = [record.time - happened(record, seen) for record in run.records]
    assert timedelta(seconds=5) < max(delays) < timedelta(seconds=9)


def test_lateness_is_minutes_and_everything_is_sent_before_the_end(
    faulty: Callable[[str], Any], seen: Callable[..., Any]
) -> None:
    run = faulty("lateness")
    late = [d for record in run.records if (d := record.time - happened(record, seen)) > timedelta(seconds=30)]
    assert 20 < len(late) < len(run.records) * 0.01
    assert timedelta(minutes=5) < max(late) < timedelta(minutes=21)
    assert run.records[-1].time <= run.options.start + run.options.duration + timedelta(seconds=1)


def test_lost_numbers_are_never_sent_and_are_what_the_truth_counts(
    faulty: Callable[[str], Any], seen: Callable[..., Any]
) -> None:
    run = faulty("loss")
    missing = sum(max(numbers) - len(numbers) for numbers in sequences(run.records, seen).values())
    assert missing == run.truth["missing_sequences"]
    assert all(min(numbers) == 1 for numbers in sequences(run.records, seen).values())


def test_skewed_clocks_are_in_the_far_future_or_before_2000_for_certain(
    faulty: Callable[[str], Any], seen: Callable[..., Any]
) -> None:
    run = faulty("clock_skew")
    times = [happened(record, seen) for record in run.records]
    early, far = (sum(t < YEAR_2000 for t in times), sum(t.year >= 2100 for t in times))
    assert early > 5
    assert far > 5
    assert early + far == run.truth["rejected"]["clock_skew"]
    assert run.truth["missing_sequences"] == 0


def test_each_refused_record_is_unlike_every_other(faulty: Callable[[str], Any]) -> None:
    run = faulty("all")
    marked = [record for record in run.records if "qs-n" in dict(record.headers)]
    assert len(marked) == sum(run.truth["rejected"].values())
    assert len({tuple(record[:4]) for record in marked}) == len(marked)


def test_restarted_gateways_begin_a_new_boot_and_count_from_one(
    faulty: Callable[[str], Any], seen: Callable[..., Any]
) -> None:
    run = faulty("gateway_restart")
    streams = sequences(run.records, seen)
    boots: dict[str, set[str]] = defaultdict(set)
    for source, bootid, _, _ in streams:
        boots[source].add(bootid)
    assert {len(names) for names in boots.values()} == {1, 2}
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in streams.values())
    run_name = run.truth["run"]
    assert {boot for names in boots.values() for boot in names} == {f"{run_name}-1", f"{run_name}-2"}


def test_conflicts_use_a_seen_number_under_another_id_and_come_after_it(
    faulty: Callable[[str], Any], seen: Callable[..., Any]
) -> None:
    run = faulty("sequence_conflict")
    ids: dict[tuple[str, ...], str] = {}
    strangers = []
    for record in run.records:
        a = seen(record).attributes
        if "sequence" in a:
            key = tuple(a[name] for name in ("source", "bootid", "subject", "type", "sequence"))
            if ids.setdefault(key, a["id"]) != a["id"]:
                strangers.append(record)
    assert len(strangers) == run.truth["rejected"]["sequence_conflict"] > 3
    assert all("qs-n" in dict(record.headers) for record in strangers)


def test_poison_has_every_form_that_is_promised(faulty: Callable[[str], Any]) -> None:
    run = faulty("poison")
    values = [record.value for record in run.records if "qs-n" in dict(record.headers)]
    assert None in values
    assert b"" in values
    texts = [value for value in values if value]
    assert sum(len(value) > 1_048_576 for value in texts) == 3
    assert any(b"NaN" in value for value in texts)
    assert any(b"[" * 200 in value for value in texts)
    assert any(b"\\u0000" in value for value in texts)
    assert any(b"1e999" in value for value in texts)
    assert any(b"\xff" in value for value in texts)
    assert any(value.count(b"{") > value.count(b"}") for value in texts)


def test_unknown_fields_are_accepted(faulty: Callable[[str], Any]) -> None:
    run = faulty("poison")
    strange = [record for record in run.records if record.value and b'"firmware"' in record.value]
    assert strange
    assert not [record for record in strange if "qs-n" in dict(record.headers)]


@pytest.fixture
def letter() -> Letter:
    place = places("run")[0]
    asset = place.assets("crane", "STS")[0]
    fact = Fact(
        1_767_225_600_000, place.gateway_of(asset), "io.quaystream.crane.status.v1", asset.asset_id, {"status": "on"}
    )
    return Letter(fact, "id-7", fact.time_ms + 50, "run-1", 7)


@pytest.mark.parametrize("forge", [*poison.FORGED, poison.oversized], ids=lambda forge: forge.__name__)
def test_forged_records_cannot_be_taken_for_good_ones(letter: Letter, forge: poison.Forged) -> None:
    envelope = Envelope("run")
    good = envelope.render(letter)
    record, fate = forge(letter, envelope)
    assert fate in CLOSED_LIST
    assert (record.topic, record.value) != (good.topic, good.value)


def test_a_spoiled_event_keeps_its_identity_and_its_number(letter: Letter) -> None:
    for spoil in poison.SPOILED:
        spoiled, fate = spoil(letter, Random(1))
        assert spoiled._replace(fact=letter.fact) == letter
        assert spoiled.fact.data != letter.fact.data
        assert fate == ("accepted" if spoil is poison.unknown_field else Reason.INVALID_DATA)


def test_skew_keeps_the_identity_and_the_recorded_time(letter: Letter) -> None:
    late = skewed(letter, Random(1))
    assert late.fact.time_ms != letter.fact.time_ms
    assert late._replace(fact=letter.fact) == letter


def test_without_faults_every_letter_is_sent_once_as_it_is(letter: Letter) -> None:
    faults = Faults(SimulationOptions(seed=1, duration=timedelta(minutes=1)), Random(1), Envelope("run"))
    (sending,) = faults.send(letter)
    assert sending.fate == "accepted"
    assert json.loads(sending.record.value or b"")["data"] == {"status": "on"}
    assert list(faults.follow(sending)) == []
