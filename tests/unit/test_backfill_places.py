"""How a row says that it is from the back-fill topic."""

import pytest

from schemas.backfill import is_backfill, live_topic, place_of, stored_partition


@pytest.mark.parametrize(("topic", "partition", "stored"), [("crane-events", 0, 0), ("crane-events", 11, 11)])
def test_rows_of_an_event_topic_have_its_partition(topic: str, partition: int, stored: int) -> None:
    assert stored_partition(topic, partition) == stored
    assert place_of(topic, stored) == (topic, partition)


@pytest.mark.parametrize(("partition", "stored"), [(0, -1), (11, -12), (32_767, -32_768)])
def test_rows_of_history_have_a_negative_partition(partition: int, stored: int) -> None:
    assert stored_partition("crane-events-backfill", partition) == stored
    assert place_of("crane-events", stored) == ("crane-events-backfill", partition)


def test_a_back_fill_topic_is_known_by_its_name() -> None:
    assert [is_backfill(name) for name in ("crane-events", "crane-events-backfill")] == [False, True]
    assert [live_topic(name) for name in ("crane-events", "crane-events-backfill")] == ["crane-events"] * 2
