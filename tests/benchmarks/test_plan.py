"""Turns are interleaved, the warm-up comes first, and only what reads from Kafka gets a topic."""

from pathlib import Path

import pytest

from schemas.errors import ConfigurationError
from streams.cli.benchmark.contestants import CONTESTANTS, LIMIT, OURS, QUIX, STOCK_FAUST, TELEGRAF, peers
from streams.cli.benchmark.courses import COURSES, CRANE, DUPLICATES, HOT, MIXED, chosen_courses
from streams.cli.benchmark.plan import Plan, chosen

OWN = (OURS, STOCK_FAUST, LIMIT)
"""Those that need nothing but our dependencies."""


def test_contestants_take_turns_in_every_round() -> None:
    turns = [(turn.contestant.name, turn.number) for turn in Plan(OWN, rounds=2).turns(CRANE)]
    names = ["quaystream", "stock_faust", "limit"]
    assert turns == [(name, number) for number in (0, 1, 2) for name in names]


def test_the_slow_peer_gets_fewer_events() -> None:
    plan = Plan(OWN, events=300_000)
    assert [plan.events_of(c) for c in (OURS, STOCK_FAUST, LIMIT)] == [300_000, 30_000, 300_000]


def test_the_limit_reads_no_topic() -> None:
    assert Plan(OWN, events=50_000).topics(CRANE) == {"crane-events": 50_000, "few-crane-events": 5_000}
    assert {contestant.name for contestant, _ in Plan(OWN).open_loops(CRANE)} == {"quaystream", "stock_faust"}


def test_low_rates_come_first() -> None:
    assert [rate for _, rate in Plan((OURS,), rates=(5_000, 1_000)).open_loops(CRANE)] == [1_000, 5_000]


def test_only_the_plain_samples_come_at_fixed_rates() -> None:
    assert [list(Plan((OURS,)).open_loops(course)) for course in COURSES if course is not CRANE] == [[]] * 4


def test_what_a_workload_asks_decides_who_plays() -> None:
    plan = Plan(OWN)
    assert plan.players(MIXED) == plan.players(DUPLICATES) == (OURS,)
    assert plan.players(HOT) == OWN
    assert plan.left_out(DUPLICATES)["stock_faust"] == "does not recognise repeats"
    assert plan.left_out(MIXED)["limit"] == "does not read from Kafka and does not take every event type"


def test_a_peer_that_is_not_installed_is_skipped_with_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(peers, "downloads", lambda: tmp_path)
    plan = Plan(CONTESTANTS)
    assert plan.absent() == dict.fromkeys(("telegraf", "quix"), "not there: `make peers` installs it")
    assert not {TELEGRAF, QUIX} & set(plan.players(CRANE))
    assert "telegraf" not in plan.left_out(MIXED)


def test_chosen_workloads_keep_their_order() -> None:
    assert chosen_courses(["hot", "crane"]) == (CRANE, HOT)


def test_an_unknown_workload_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="choose from crane, mixed, duplicates, partitions, hot"):
        chosen_courses(["cranes"])


def test_a_run_says_beforehand_how_long_it_takes() -> None:
    short, full = Plan(OWN, 1, 60_000, (1_000,), 5.0), Plan(OWN, 3, 300_000)
    assert 60 < short.seconds_in_all() < full.seconds_in_all() < 1_800


def test_chosen_contestants_keep_their_order() -> None:
    assert chosen(["limit", "quaystream"]) == (OURS, LIMIT)


def test_an_unknown_contestant_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="choose from quaystream, telegraf, aiokafka_insert, quix"):
        chosen(["kafka_connect"])
