"""Axes move as machines do: no jumps, no speed above the drive's, and they arrive."""

from itertools import pairwise

import pytest

from connectors.simulator.carry import Drive, Spot, carry
from connectors.simulator.motion import Axis, Pace, Travel

PACE = Pace(2.0, 0.5)


@pytest.mark.parametrize(("end_m", "duration_s"), [(20.0, 14.0), (-20.0, 14.0), (2.0, 4.0), (0.0, 0.0)])
def test_travel_takes_as_long_as_a_trapezoid_or_triangle_of_speed(end_m: float, duration_s: float) -> None:
    assert Travel(0.0, end_m, PACE).duration_s == pytest.approx(duration_s)


@pytest.mark.parametrize("end_m", [20.0, -20.0, 2.0, -0.3])
def test_speed_is_the_change_of_position_and_stays_below_the_limit(end_m: float) -> None:
    travel = Travel(5.0, end_m, PACE)
    step_s = 0.001
    readings = [travel.reading(i * step_s) for i in range(round(travel.duration_s / step_s) + 2)]
    for (x0, v0), (x1, v1) in pairwise(readings):
        assert x1 - x0 == pytest.approx((v0 + v1) / 2 * step_s, abs=1e-5)
        assert abs(v1) <= PACE.speed_mps + 1e-9
        assert abs(v1 - v0) <= PACE.acceleration_mps2 * step_s + 1e-9
    assert readings[-1] == (end_m, 0.0)


def test_axis_stands_still_between_travels() -> None:
    axis = Axis(1.0)
    end_s = axis.move(10.0, Travel(1.0, 21.0, PACE))
    axis.move(end_s + 5, Travel(21.0, 1.0, PACE))
    assert axis.reading(9.9) == (1.0, 0.0)
    assert axis.reading(17.0) == (11.0, 2.0)
    assert axis.reading(end_s + 4) == (21.0, 0.0)
    assert axis.reading(end_s + 100) == (1.0, 0.0)
    assert axis.target_m == 1.0


def test_carry_goes_up_before_across_and_down_last() -> None:
    way = carry(Spot(50.0, 12.0), Spot(-4.0, 4.0), 6.0, Drive(PACE, PACE))
    hoist, trolley = Axis(12.0), Axis(50.0)
    arrived_s = way.enter(0.0, hover_s=7.0, hoist=hoist, trolley=trolley)
    assert arrived_s == pytest.approx(way.duration_s + 7.0)
    heights = [hoist.reading(t / 10)[0] for t in range(round(arrived_s * 10) + 1)]
    assert max(heights) == pytest.approx(18.0)
    assert heights[-1] == pytest.approx(4.0, abs=0.01)
    assert trolley.reading(way.across_at_s - 0.01) == (50.0, 0.0)
    assert trolley.reading(arrived_s)[0] == -4.0
