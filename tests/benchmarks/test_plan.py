"""Turns are interleaved, the warm-up comes first, and only what reads from Kafka gets a topic."""

import pytest

from schemas.errors import ConfigurationError
from streams.cli.benchmark.contestants import LIMIT, OURS, STOCK_FAUST
from streams.cli.benchmark.plan import Plan, chosen


def test_contestants_take_turns_in_every_round() -> None:
    turns = [(turn.contestant.name, turn.number) for turn in Plan(rounds=2).turns()]
    names = ["quaystream", "stock_faust", "limit"]
    assert turns == [(name, number) for number in (0, 1, 2) for name in names]


def test_the_slow_peer_gets_fewer_events() -> None:
    plan = Plan(events=300_000, stock_events=30_000)
    assert [plan.events_of(c) for c in (OURS, STOCK_FAUST, LIMIT)] == [300_000, 30_000, 300_000]


def test_the_limit_reads_no_topic() -> None:
    assert Plan(events=10, stock_events=5).topics() == {"crane-events": 10, "stock_faust-events": 5}
    assert {contestant.name for contestant, _ in Plan().open_loops()} == {"quaystream", "stock_faust"}


def test_low_rates_come_first() -> None:
    assert [rate for _, rate in Plan((OURS,), rates=(5_000, 1_000)).open_loops()] == [1_000, 5_000]


def test_chosen_contestants_keep_their_order() -> None:
    assert chosen(["limit", "quaystream"]) == (OURS, LIMIT)


def test_an_unknown_contestant_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="choose from quaystream, stock_faust, limit"):
        chosen(["telegraf"])
