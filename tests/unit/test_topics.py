"""The declared topics keep what the contract says of them."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from schemas import topics
from schemas.errors import ConfigurationError
from schemas.events import DOMAINS, MODELS
from schemas.topics import (
    BACKFILL_OF,
    BACKFILL_TOPICS,
    EVENT_TOPICS,
    TOPIC_BY_DOMAIN,
    TOPIC_BY_TYPE,
    Topic,
    load_topics,
)

MIB = 1024 * 1024
DEAD_LETTER_TOPICS = [topic for topic in load_topics().values() if topic.is_dead_letters]


def load_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Topic]:
    monkeypatch.setattr(topics, "FOLDER", folder)
    return load_topics.__wrapped__()


def crane_declaration() -> str:
    return (topics.FOLDER / "crane-events.yaml").read_text(encoding="utf-8")


def test_each_domain_has_one_event_topic() -> None:
    assert [topic.name for topic in EVENT_TOPICS] == [f"{domain}-events" for domain in DOMAINS]
    assert {domain: topic.name for domain, topic in TOPIC_BY_DOMAIN.items()} == {d: f"{d}-events" for d in DOMAINS}


def test_every_event_type_is_declared_for_exactly_one_topic() -> None:
    declared = [event_type for topic in EVENT_TOPICS for event_type in topic.types]
    assert sorted(declared) == sorted(MODELS)


@pytest.mark.parametrize("event_type", sorted(MODELS))
def test_type_is_declared_for_the_topic_of_its_domain(event_type: str) -> None:
    assert TOPIC_BY_TYPE[event_type].domain == event_type.split(".")[2]


def test_partitions_are_those_of_the_contract() -> None:
    partitions = {topic.name: topic.partitions for topic in EVENT_TOPICS}
    assert partitions == {
        "crane-events": 12,
        "gate-events": 12,
        "cell-events": 12,
        "cargo-events": 12,
        "vessel-events": 3,
    }


@pytest.mark.parametrize("topic", EVENT_TOPICS, ids=lambda topic: topic.name)
def test_event_topic_is_stamped_by_the_broker_and_kept_seven_days(topic: Topic) -> None:
    assert topic.retention == timedelta(days=7)
    assert topic.key == "subject"
    assert dict(topic.config) == {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(4 * MIB),
        "retention.ms": "604800000",
    }


@pytest.mark.parametrize("topic", EVENT_TOPICS, ids=lambda topic: topic.name)
def test_event_topic_names_its_dead_letter_topic(topic: Topic) -> None:
    dead_letters = load_topics()[topic.dead_letters_topic]
    assert dead_letters.name == f"{topic.name}-dead-letters"
    assert dead_letters.dead_letters_of == topic.name


@pytest.mark.parametrize("topic", EVENT_TOPICS, ids=lambda topic: topic.name)
def test_history_of_a_topic_goes_beside_it_in_as_many_partitions_and_waits_longer(topic: Topic) -> None:
    history = load_topics()[f"{topic.name}-backfill"]
    assert (history.backfill_of, BACKFILL_OF[topic.name]) == (topic.name, history.name)
    assert (history.partitions, history.types, history.key) == (topic.partitions, topic.types, topic.key)
    assert history.retention == timedelta(days=30)
    assert dict(history.config) == {**topic.config, "retention.ms": "2592000000"}


def test_refused_history_goes_to_the_dead_letters_of_its_event_topic() -> None:
    assert [topic.dead_letters_topic for topic in BACKFILL_TOPICS] == [
        topic.dead_letters_topic for topic in EVENT_TOPICS
    ]


@pytest.mark.parametrize("topic", DEAD_LETTER_TOPICS, ids=lambda topic: topic.name)
def test_dead_letters_stay_a_year_on_three_partitions(topic: Topic) -> None:
    assert topic.partitions == 3
    assert topic.retention == timedelta(days=365)
    assert topic.config["cleanup.policy"] == "delete"
    assert topic.types == ()


@pytest.mark.parametrize("topic", DEAD_LETTER_TOPICS, ids=lambda topic: topic.name)
def test_dead_letter_topic_takes_the_largest_original_and_its_headers(topic: Topic) -> None:
    original = load_topics()[str(topic.dead_letters_of)]
    assert int(topic.config["max.message.bytes"]) > int(original.config["max.message.bytes"])


def test_dead_letter_topic_has_no_dead_letter_topic_itself() -> None:
    with pytest.raises(ValueError, match="itself a dead-letter topic"):
        _ = DEAD_LETTER_TOPICS[0].dead_letters_topic


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("partitions: 12", "partitions: none"),
        ("partitions: 12", "partitions: 0"),
        ("owner: ", "holder: "),
        ("domain: crane", "domain: ship"),
        ("name: crane-events", "name: crane"),
        ("types:", "types: ["),
    ],
)
def test_broken_declaration_names_its_file(old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert old in crane_declaration()
    (tmp_path / "crane-events.yaml").write_text(crane_declaration().replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="crane-events"):
        load_from(tmp_path, monkeypatch)


def test_second_version_of_a_type_is_one_number_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = crane_declaration().replace("versions: [1]", "versions: [1, 2]", 1)
    (tmp_path / "crane-events.yaml").write_text(text, encoding="utf-8")
    types = load_from(tmp_path, monkeypatch)["crane-events"].types
    assert types[:2] == ("io.quaystream.crane.sample.v1", "io.quaystream.crane.sample.v2")
