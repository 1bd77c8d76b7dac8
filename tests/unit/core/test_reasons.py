"""Every example file gets exactly the reason its name says, through the pipeline of its topic."""

import pytest

from schemas.examples import Example, load_examples
from schemas.outcome import Outcome, Reason
from streams.core.record import TopicPartition
from tests.support.judging import pipeline, written
from tests.support.records import record_of, stretch

EXAMPLES = load_examples()


def by_name(example: Example) -> str:
    return example.name


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.expected is not None], ids=by_name)
def test_invalid_example_gets_exactly_its_reason(example: Example) -> None:
    batch = stretch([record_of(example)], tp=TopicPartition(example.topic, 0))
    read = pipeline(example.topic.removesuffix("-events")).read([batch], {})
    assert read.events == [None]
    assert read.refusals[0].reason is example.expected


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.expected is None], ids=by_name)
def test_valid_example_is_accepted(example: Example) -> None:
    batch = stretch([record_of(example)], tp=TopicPartition(example.topic, 0))
    writes = written([batch], by=pipeline(example.topic.removesuffix("-events")))
    assert writes.tally == {(Outcome.ACCEPTED, None): 1}


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.expected is None], ids=by_name)
def test_valid_example_is_unknown_in_another_topic(example: Example) -> None:
    other = "gate" if example.topic != "gate-events" else "crane"
    read = pipeline(other).read([stretch([record_of(example)], tp=TopicPartition(f"{other}-events", 0))], {})
    assert read.refusals[0].reason is Reason.UNKNOWN_TYPE
