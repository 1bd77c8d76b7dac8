"""Hand-made days of one crane: what shows that bad radio cost something, and what does not."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from schemas.attribution import METHOD, PROFILE
from streams.attribution.baseline import held
from streams.attribution.cycles import Day, Loss, losses
from streams.attribution.daily import interval, outcome_of
from streams.attribution.motion import Motion, motion_of
from streams.attribution.radio import Radio, Readings, radio_of
from streams.attribution.spans import Span, joined, shared, without
from streams.attribution.work import Cycle

CYCLE_S = 120.0
GOOD = 12
TRAVEL = ((5, 25), (50, 62), (70, 95))  # seconds of each cycle in which the crane moves


@dataclass
class Play:
    """`GOOD` equal cycles of 120 s, and one more, `last`, to which something happens; twice a second."""

    stops: tuple[tuple[float, float, float], ...] = ()  # from, until, share of the speed, seconds of the last cycle
    takes_s: float = CYCLE_S
    bad: tuple[tuple[float, float], ...] = ()
    idle: tuple[tuple[float, float], ...] = ()
    silent: bool = False
    still: bool = False
    kind: str = "discharge"
    times: list[float] = field(default_factory=list)

    def motion(self) -> Motion | None:
        if self.still:
            return None
        at = np.arange(0, GOOD * CYCLE_S + self.takes_s, 0.5)
        speed = np.zeros(len(at))
        for n, second in enumerate(at):
            cycle = min(int(second // CYCLE_S), GOOD)
            speed[n] = self._speed(second - cycle * CYCLE_S, cycle == GOOD)
        none = np.zeros(len(at), np.int8)
        return motion_of(at, [speed], none, none)

    def _speed(self, second: float, is_last: bool) -> float:
        lost = 0.0
        for begins, ends, share in self.stops if is_last else ():
            if begins <= second < ends:
                planned = self._speed(begins - lost, False)
                return planned * share
            if second >= ends:
                lost += (ends - begins) * (1 - share)
        return 2.0 if any(begins <= second - lost < ends for begins, ends in TRAVEL) else 0.0

    def radio(self) -> Radio:
        last_s = GOOD * CYCLE_S
        known = [] if self.silent else [Span(0, last_s + self.takes_s)]
        return Radio([Span(last_s + begins, last_s + ends) for begins, ends in self.bad], known, 0.5)

    def judged(self) -> Loss:
        cycles = [
            Cycle(f"C{n}", n * CYCLE_S, (n + 1) * CYCLE_S, n * CYCLE_S + 30, "discharge", "single", "counted")
            for n in range(GOOD)
        ]
        last_s = GOOD * CYCLE_S
        last = Cycle("last", last_s, last_s + self.takes_s, last_s + 30, self.kind, "single", "counted")
        idle = [Span(last_s + begins, last_s + ends) for begins, ends in self.idle]
        return losses(Day([*cycles, last], idle, self.radio(), self.motion()))[-1]


def test_a_stop_on_the_way_with_the_radio_is_lost() -> None:
    found = Play(stops=((10, 30, 0.0),), takes_s=140, bad=((9.5, 28.5),)).judged()
    assert found.how == "stopped"
    assert found.lost_s == pytest.approx(20, abs=1)
    assert found.moves == pytest.approx(20 / 120, abs=0.01)


def test_the_same_stop_with_good_radio_costs_nothing() -> None:
    found = Play(stops=((10, 30, 0.0),), takes_s=140).judged()
    assert (found.state, found.how, found.lost_s) == ("good", None, 0.0)


def test_bad_radio_while_the_crane_goes_on_moving_costs_nothing() -> None:
    found = Play(bad=((8, 20),)).judged()
    assert (found.state, found.how) == ("exposed", None)


def test_a_long_cycle_that_was_slow_elsewhere_costs_the_radio_nothing() -> None:
    # The crane waits for a truck, 40 s longer than usual, long after the radio was bad.
    found = Play(stops=((65, 105, 0.0),), takes_s=160, bad=((8, 20),)).judged()
    assert found.how is None


def test_creeping_while_the_radio_is_bad_is_lost_in_part() -> None:
    found = Play(stops=((8, 20, 0.3),), takes_s=CYCLE_S + 8.4, bad=((7.5, 20),)).judged()
    assert found.how in ("crept", "stopped")
    assert found.lost_s == pytest.approx(8.4, abs=1)


def test_a_standstill_that_good_cycles_know_and_that_ends_at_another_time_is_not_held() -> None:
    # Between 25 and 50 s every cycle stands still: bad radio from 30 to 40 s changes nothing.
    assert Play(bad=((30, 40),)).judged().how is None


def test_a_standstill_longer_than_any_good_one_that_ends_with_the_episode_was_held() -> None:
    found = Play(stops=((45, 75, 0.0),), takes_s=150, bad=((44, 77),)).judged()
    assert found.how == "held"
    assert found.lost_s == pytest.approx(30, abs=6)


def test_idle_time_is_no_exposure() -> None:
    found = Play(stops=((5, 65, 0.0),), takes_s=180, bad=((10, 60),), idle=((5, 65),)).judged()
    assert (found.state, found.worked_s) == ("good", 120.0)


def test_a_cycle_without_readings_is_unknown_not_good() -> None:
    found = Play(silent=True).judged()
    assert outcome_of(found) == "unknown"


def test_without_motion_a_cycle_far_beyond_the_good_ones_loses_no_more_than_its_bad_time() -> None:
    found = Play(still=True, takes_s=170, bad=((10, 30),)).judged()
    assert (found.how, found.lost_s) == ("slow", 20.0)
    assert Play(still=True, takes_s=120, bad=((10, 30),)).judged().how is None


def test_with_too_few_good_cycles_nothing_is_claimed() -> None:
    day = Day([Cycle("one", 0, 120, 30, "load", "single", "counted")], [], Radio([Span(10, 30)], [Span(0, 120)]), None)
    (found,) = losses(day)
    assert outcome_of(found) == "unmatched"


def test_an_aborted_lock_in_bad_radio_loses_until_the_lock_that_held() -> None:
    good = [Cycle(f"C{n}", n * 120.0, n * 120.0 + 120, 0, "load", "single", "counted") for n in range(6)]
    attempt = Cycle("try", 760, 766, 760, None, "single", "aborted")
    again = Cycle("again", 720, 860, 786, "load", "single", "counted")
    radio = Radio([Span(763, 784)], [Span(0, 900)], 0.5)
    found = {loss.cycle.cycle_id: loss for loss in losses(Day([*good, attempt, again], [], radio, None))}
    assert (found["try"].how, found["try"].lost_s) == ("aborted", 26.0)


@pytest.mark.parametrize(
    ("rtt", "loss", "sinr", "is_bad"),
    [
        (PROFILE.rtt_ms, PROFILE.loss_ratio, PROFILE.sinr_db, False),
        (PROFILE.rtt_ms + 0.1, np.nan, np.nan, True),
        (np.nan, PROFILE.loss_ratio * 1.01, np.nan, True),
        (np.nan, np.nan, PROFILE.sinr_db - 0.1, True),
    ],
)
def test_a_reading_beyond_any_limit_is_bad_and_at_it_is_not(rtt: float, loss: float, sinr: float, is_bad: bool) -> None:
    columns = (np.full(4, value) for value in (rtt, loss, sinr))
    assert bool(radio_of(Readings(np.arange(4.0), *columns)).bad) is is_bad


def test_one_bad_reading_is_a_handover_not_an_episode() -> None:
    rtt = np.array([12.0, 80.0, 12.0, 12.0])
    nothing = np.full(4, np.nan)
    assert not radio_of(Readings(np.arange(4.0) * 0.5, rtt, nothing, nothing)).bad


def test_a_reading_speaks_for_a_few_seconds_only() -> None:
    rtt, nothing = np.array([12.0, 12.0]), np.full(2, np.nan)
    found = radio_of(Readings(np.array([0.0, 100.0]), rtt, nothing, nothing))
    assert found.known == [Span(0, METHOD.hold_s), Span(100, 100 + METHOD.hold_s)]


def test_a_second_good_modem_keeps_the_crane_in_touch() -> None:
    bad = Radio([Span(10, 20)], [Span(0, 100)])
    assert not bad.both(Radio([], [Span(0, 100)])).bad
    assert bad.both(Radio([Span(15, 30)], [Span(0, 100)])).bad == [Span(15, 20)]
    assert bad.both(Radio([], [Span(0, 12)])).bad == [Span(12, 20)]


def test_a_standstill_is_held_as_far_as_good_ones_end_before() -> None:
    natural = [1.0, 2.0, 3.0, 4.0, 30.0]
    likely, natural_s = held(natural, 0.0, 10.0, 4.0)
    assert likely == pytest.approx(4.5 / 5)
    assert natural_s == 2.5
    assert held(natural, 31.0, 40.0, 4.0) == (0.0, 0.0)


def test_the_interval_is_the_same_every_time_and_nothing_where_nothing_is_lost() -> None:
    moves = [0.0] * 40 + [0.2, 0.3, 0.1, 0.25]
    low, high = interval(moves)
    assert (low, high) == interval(moves)
    assert 0 < low < sum(moves) < high
    assert interval([0.0] * 10) == (0.0, 0.0)


def test_spans_are_cut_as_sets_are() -> None:
    some, others = [Span(0, 10), Span(20, 30)], [Span(5, 25)]
    assert shared(some, others) == [Span(5, 10), Span(20, 25)]
    assert without(some, others) == [Span(0, 5), Span(25, 30)]
    assert joined([Span(0, 1), Span(2, 3), Span(10, 11)], 1.0) == [Span(0, 3), Span(10, 11)]
