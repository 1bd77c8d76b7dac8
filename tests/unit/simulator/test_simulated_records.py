"""Records as a consumer meets them: CloudEvents in both modes, valid data, numbered streams, ids used once."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from schemas.events import MODELS
from schemas.identifiers import is_subject
from schemas.reference import declared_sources
from schemas.topics import TOPIC_BY_TYPE


@pytest.fixture(scope="module")
def all_seen(play: Callable[..., Any], seen: Callable[..., Any]) -> list[Any]:
    """Five minutes without faults at the default rate."""
    return [seen(record) for record in play(minutes=5).records]


def test_every_event_is_valid_for_its_model_without_unknown_fields(all_seen: list[Any]) -> None:
    for event in all_seen:
        model = MODELS[event.attributes["type"]].model_validate(event.data)
        assert not model.__pydantic_extra__


def test_every_event_type_occurs(events: tuple[Any, ...]) -> None:
    assert {event.attributes["type"] for event in events} == set(MODELS)


def test_ten_minutes_are_about_fifty_thousand_records(play: Callable[..., Any]) -> None:
    assert 36_000 < play(minutes=5).truth["produced"] * 2 < 60_000


def test_key_is_the_subject_and_the_topic_is_that_of_the_type(all_seen: list[Any]) -> None:
    for event in all_seen:
        assert event.record.key.decode() == event.attributes["subject"]
        assert is_subject(event.attributes["subject"])
        assert event.record.topic == TOPIC_BY_TYPE[event.attributes["type"]].name


def test_every_record_names_its_run_and_how_it_is_to_be_read(play: Callable[..., Any]) -> None:
    run = play(minutes=5)
    content_types = Counter(dict(record.headers)["content-type"] for record in run.records)
    assert set(content_types) == {b"application/cloudevents+json", b"application/json"}
    assert content_types[b"application/json"] < len(run.records) / 10
    assert {dict(record.headers)["qs-run"] for record in run.records} == {run.truth["run"].encode()}


def test_binary_records_carry_what_structured_ones_do(all_seen: list[Any]) -> None:
    binary = [event for event in all_seen if dict(event.record.headers)["content-type"] == b"application/json"]
    assert {event.attributes["type"].split(".")[2] for event in binary} == {"gate", "cell"}
    for event in binary:
        assert {"specversion", "id", "source", "type", "subject", "time", "bootid", "sequence"} <= set(event.attributes)


def test_sources_are_declared_gateways_with_the_run(all_seen: list[Any], play: Callable[..., Any]) -> None:
    run = play(minutes=5).truth["run"]
    sources = {event.attributes["source"] for event in all_seen}
    assert {source.removesuffix(f"/sim-{run}") for source in sources} <= declared_sources()
    assert all(source.endswith(f"/sim-{run}") for source in sources)
    assert sources == set(play(minutes=5).truth["sources"])


def test_numbered_streams_count_from_one_without_gaps(all_seen: list[Any]) -> None:
    streams: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for event in all_seen:
        if "sequence" in event.attributes:
            key = tuple(event.attributes[name] for name in ("source", "bootid", "subject", "type"))
            streams[key].append(int(event.attributes["sequence"]))
    assert len(streams) > 100
    for numbers in streams.values():
        assert numbers == list(range(1, len(numbers) + 1))


def test_boxes_and_ships_are_not_numbered_and_all_else_is(all_seen: list[Any]) -> None:
    for event in all_seen:
        unnumbered = event.attributes["type"].split(".")[2] in ("cargo", "vessel")
        assert ("bootid" in event.attributes, "sequence" in event.attributes) == (not unnumbered, not unnumbered)


def test_an_id_is_used_once_per_source(all_seen: list[Any]) -> None:
    identities = Counter((event.attributes["source"], event.attributes["id"]) for event in all_seen)
    assert max(identities.values()) == 1


def test_without_faults_events_come_in_the_order_of_their_times(all_seen: list[Any]) -> None:
    times = [datetime.fromisoformat(event.attributes["time"]) for event in all_seen]
    assert all(a <= b for a, b in pairwise(times))


def test_gateways_record_a_moment_after_it_happened(all_seen: list[Any]) -> None:
    for event in all_seen:
        happened, recorded = (datetime.fromisoformat(event.attributes[n]) for n in ("time", "recordedtime"))
        assert timedelta(0) < recorded - happened < timedelta(seconds=1)


def test_gates_write_local_time_and_the_others_utc(all_seen: list[Any]) -> None:
    written = {(event.attributes["type"].split(".")[2], event.attributes["time"][23:]) for event in all_seen}
    assert written == {("gate", "+07:00"), ("crane", "Z"), ("cell", "Z"), ("cargo", "Z"), ("vessel", "Z")}


def test_what_names_people_is_classified(all_seen: list[Any]) -> None:
    for event in all_seen:
        if "truck_plate" in event.data or event.is_("gate.ocr"):
            assert event.attributes["dataclassification"] == "personal"
