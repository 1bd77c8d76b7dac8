"""What the board remembers between looks: ages are never younger than the truth, late rows never push newer ones out."""

from datetime import timedelta

from connectors.board.memory import Memory, remember
from tests.support.board import CRANE, NOW, ago, answers, minute


def later(memory: Memory, seconds: float, **some: object) -> Memory:
    given = answers(**some)
    given["pipeline"] = [
        {**given["pipeline"][0], "at": NOW + timedelta(seconds=seconds), "accepted": 1000 + 50 * seconds}
    ]
    return remember(memory, given)


def test_a_minute_seen_first_is_as_old_as_its_start() -> None:
    bucket = NOW.replace(second=0)
    assert remember(Memory(), answers(crane_minute=[minute(CRANE, bucket)])).heard[CRANE] == bucket


def test_a_minute_that_grew_was_heard_now() -> None:
    bucket = NOW.replace(second=0)
    first = remember(Memory(), answers(crane_minute=[minute(CRANE, bucket, 10)]))
    assert later(first, 1, crane_minute=[minute(CRANE, bucket, 11)]).heard[CRANE] == NOW + timedelta(seconds=1)


def test_a_minute_that_stands_still_grows_old() -> None:
    bucket = NOW.replace(second=0)
    first = remember(Memory(), answers(crane_minute=[minute(CRANE, bucket, 10)]))
    grown = later(first, 1, crane_minute=[minute(CRANE, bucket, 11)])
    assert later(grown, 2, crane_minute=[minute(CRANE, bucket, 11)]).heard == grown.heard


def test_a_backlog_that_ends_an_hour_ago_is_an_hour_old() -> None:
    bucket = ago(hours=1).replace(second=0)
    first = remember(Memory(), answers(crane_minute=[minute(CRANE, bucket, 10)]))
    assert later(first, 1, crane_minute=[minute(CRANE, bucket, 60)]).heard[CRANE] == bucket + timedelta(minutes=1)


def test_an_older_minute_told_late_changes_nothing() -> None:
    bucket = NOW.replace(second=0)
    first = remember(Memory(), answers(crane_minute=[minute(CRANE, bucket)]))
    assert later(first, 1, crane_minute=[minute(CRANE, bucket - timedelta(minutes=2), 99)]).minutes == first.minutes


def test_a_status_outlives_the_look_that_found_it_and_gives_way_to_a_newer_one() -> None:
    told = [{"asset_id": CRANE, "time": ago(minutes=20), "status": "idle"}]
    first = remember(Memory(), answers(status=told))
    assert later(first, 1).status[CRANE]["status"] == "idle"
    newer = [{"asset_id": CRANE, "time": ago(minutes=1), "status": "working"}]
    assert later(first, 1, status=newer).status[CRANE]["status"] == "working"
    older = [{"asset_id": CRANE, "time": ago(minutes=40), "status": "off"}]
    assert later(first, 1, status=older).status[CRANE]["status"] == "idle"


def test_a_clock_that_is_ahead_is_heard_now() -> None:
    told = [{"asset_id": CRANE, "time": NOW + timedelta(minutes=4), "status": "idle"}]
    heard = remember(Memory(), answers(status=told)).heard[CRANE]
    assert heard == NOW


def test_records_a_second_need_two_looks() -> None:
    first = remember(Memory(), answers())
    assert first.records_per_s is None
    assert later(first, 4).records_per_s == 50
