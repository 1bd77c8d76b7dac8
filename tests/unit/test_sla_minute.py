"""A minute is in or out of a profile, or unknown: by thresholds, by the survival time, and never good for want of data."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.sla import Profile, load_profiles
from streams.facts.sla_minute import Judged, judge, readings_of

BY_ID = {profile.profile_id: profile for profile in load_profiles()}
CRANE = BY_ID["remote-crane-control"]
GOOD = {"rtt_ms": 14.0, "sinr_db": 20.0, "loss_ratio": 1e-5, "uplink_mbps": 50.0, "handover": False, "five_qi": 82}


def judged(profile: Profile, said: list[dict[str, Any]], step_s: float = 0.5, start_s: float = 0.0) -> Judged | None:
    """`said` every `step_s` from `start_s` on, each beside what is good."""
    rows = [{**GOOD, "time_s": start_s + n * step_s, **one} for n, one in enumerate(said)]
    names = ("time_s", "handover", "five_qi", "slice", *profile.fields)
    return judge(profile, readings_of({name: [row.get(name) for row in rows] for name in names}, profile.fields))


def state(profile: Profile, said: list[dict[str, Any]], step_s: float = 0.5) -> str | None:
    found = judged(profile, said, step_s)
    return found and found.state


def test_a_minute_of_good_readings_is_in() -> None:
    assert judged(CRANE, [{}] * 120) == Judged("in", 120, 0, 0.0)


def test_one_slow_reading_in_a_hundred_is_the_99th_percentile_and_two_are_out() -> None:
    slow = {"rtt_ms": 31.0}
    assert judged(CRANE, [slow] + [{}] * 99) == Judged("in", 99, 1, 0.0)
    assert judged(CRANE, [slow] * 2 + [{}] * 98) == Judged("out", 98, 2, 0.0)


def test_a_handover_may_take_50_ms_more() -> None:
    assert state(CRANE, [{"rtt_ms": 80.0, "handover": True}] * 120) == "in"
    assert state(CRANE, [{"rtt_ms": 81.0, "handover": True}] * 120) == "out"


@pytest.mark.parametrize(
    ("loss", "step_s", "expected"),
    [
        (0.024, 0.5, "in"),  # 12 ms of 0.5 s: as long as the survival time, not longer
        (0.025, 0.5, "out"),  # 12.5 ms may have been missing in a row
        (0.012, 1.0, "in"),
        (0.013, 1.0, "out"),
        (0.05, 0.2, "in"),  # 10 ms of 0.2 s
    ],
)
def test_a_link_is_down_only_where_messages_may_be_missing_longer_than_the_survival_time(
    loss: float, step_s: float, expected: str
) -> None:
    said = [{}] * 30 + [{"loss_ratio": loss}] + [{}] * 29
    assert state(CRANE, said, step_s) == expected


def test_an_outage_is_as_long_as_what_may_have_been_missing() -> None:
    found = judged(CRANE, [{}] * 20 + [{"loss_ratio": 0.5}, {"loss_ratio": 1.0}] + [{}] * 20)
    assert found is not None
    assert found.outage_s == pytest.approx(0.75)
    assert (found.state, found.bad) == ("out", 2)


def test_the_first_reading_of_a_minute_tells_of_the_time_since_the_one_before_it() -> None:
    lossy = {"loss_ratio": 0.1}
    assert judged(CRANE, [lossy] + [{}] * 60) == Judged("in", 61, 0, 0.0)  # since when, nobody knows
    found = judged(CRANE, [{}, lossy] + [{}] * 60, start_s=-0.5)
    assert found is not None
    assert (found.state, found.good, found.bad) == ("out", 60, 1)
    assert judged(CRANE, [{}, lossy] + [{}] * 60, step_s=11, start_s=-11) == Judged("in", 61, 0, 0.0)


def test_too_few_readings_say_nothing_however_good_or_bad() -> None:
    assert state(CRANE, [{}] * 9) == "unknown"
    assert state(CRANE, [{"rtt_ms": 500.0}] * 9) == "unknown"
    assert state(CRANE, [{}] * 10) == "in"


def test_readings_that_do_not_say_what_is_asked_are_not_good() -> None:
    silent = {"rtt_ms": None, "sinr_db": None, "loss_ratio": None}
    assert judged(CRANE, [silent] * 120) == Judged("unknown", 0, 0, 0.0)
    assert judged(CRANE, [silent] * 110 + [{}] * 10) == Judged("in", 10, 0, 0.0)


def test_a_profile_of_a_5qi_looks_at_readings_of_it_alone() -> None:
    profile = BY_ID["5qi-82"]
    assert judged(profile, [{"five_qi": 9}] * 60) is None
    assert judged(profile, [{"five_qi": 9, "rtt_ms": 900.0}] * 60 + [{}] * 60) == Judged("in", 60, 0, 0.0)
    assert judged(profile, [{"five_qi": None}] * 60) is None


def test_a_mean_is_asked_of_the_whole_minute() -> None:
    video = BY_ID["video-uplink"]
    half = [{"uplink_mbps": 45.0}] * 60
    assert state(video, half + [{"uplink_mbps": 15.0}] * 60) == "in"  # 30 on average
    assert state(video, half + [{"uplink_mbps": 14.0}] * 60) == "out"


numbers = st.one_of(st.none(), st.floats(0, 200))
reading = st.fixed_dictionaries(
    {
        "rtt_ms": numbers,
        "sinr_db": numbers,
        "loss_ratio": st.one_of(st.none(), st.floats(0, 1)),
        "handover": st.booleans(),
    }
)


@given(st.lists(reading, min_size=1, max_size=40))
def test_counts_add_up_to_the_readings_that_tell_something(said: list[dict[str, Any]]) -> None:
    found = judged(CRANE, said)
    assert found is not None
    tells = sum(any(one[name] is not None for name in CRANE.fields) for one in said)
    assert found.good + found.bad == tells
    assert (found.state == "unknown") == (tells < CRANE.least_readings)
    assert found.outage_s >= 0
