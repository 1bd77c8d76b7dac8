"""The judge of the two behind one MQTT broker, and that each gets the configuration it is said to have."""

import tomllib
from pathlib import Path

import pytest

from connectors.edge.config import load_config
from streams.cli.benchmark.behind_mqtt.contestants import RIVALS
from streams.cli.benchmark.behind_mqtt.tally import Tally


@pytest.mark.parametrize(
    ("records", "judged"),
    [
        ([(1, "a"), (2, "b")], (2, 0, 0)),
        # The same event twice is known again; under another name, or without one, it is another event.
        ([(1, "a"), (1, "a"), (2, "b")], (2, 1, 0)),
        ([(1, "a"), (1, "c"), (1, "c")], (1, 2, 1)),
        ([(1, ""), (1, ""), (2, "")], (2, 1, 1)),
        ([], (0, 0, 0)),
    ],
)
def test_copies_are_counted_and_those_that_nobody_can_tell_apart(
    records: list[tuple[int, str]], judged: tuple[int, int, int]
) -> None:
    tally = Tally()
    for number, name in records:
        tally.add(number, name)
    assert (tally.different, tally.copies, tally.unknown) == judged


def test_both_read_the_same_topic_at_the_same_pace_and_keep_what_they_have_on_disk(tmp_path: Path) -> None:
    ours, theirs = (rival.command(tmp_path, 1883, "a:9092,b:9092")[-1] for rival in RIVALS)
    (source,) = load_config(Path(ours)).sources
    told = tomllib.loads(Path(theirs).read_text())
    (mqtt,), (kafka,) = told["inputs"]["mqtt_consumer"], told["outputs"]["kafka"]
    assert mqtt["topics"] == [topic.topic for topic in source.topics]  # type: ignore[union-attr]
    assert (mqtt["max_undelivered_messages"], mqtt["qos"]) == (source.in_flight, 1)  # type: ignore[union-attr]
    assert (told["agent"]["buffer_strategy"], kafka["required_acks"]) == ("disk", -1)
    assert kafka["brokers"] == ["a:9092", "b:9092"]
