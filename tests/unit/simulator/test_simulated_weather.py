"""Wind is mild on most days, and stops the quay when it is not."""

from datetime import timedelta
from random import Random

from connectors.simulator import SimulationOptions
from connectors.simulator.berth_work import BerthWork
from connectors.simulator.gateways import places
from connectors.simulator.sts import QuayCrane
from connectors.simulator.vessels import Berth
from connectors.simulator.wind import STOP_MPS, Wind
from connectors.simulator.world import World
from connectors.simulator.yard import Yard


class Storm(Wind):
    """Above the limit for the first ten minutes, then calm."""

    def at(self, time_ms: int) -> float:
        return 25.0 if time_ms - self._start_ms < 600_000 else 5.0


def test_wind_follows_from_its_dice_and_the_moment_alone() -> None:
    forwards, anew = Wind(Random(1), 0), Wind(Random(1), 0)
    late = anew.at(7_000_000)
    assert [forwards.at(t) for t in (0, 90_000, 7_000_000)][2] == late


def test_wind_is_mild_on_most_minutes_and_storms_come_now_and_then() -> None:
    wind = Wind(Random(2), 0)
    minutes = [wind.at(minute * 60_000) for minute in range(14 * 24 * 60)]
    assert min(minutes) > 0
    assert 0.001 < sum(mps > STOP_MPS for mps in minutes) / len(minutes) < 0.1


def test_quay_crane_waits_out_a_storm_and_tells_the_delay() -> None:
    world = World(SimulationOptions(seed=1, duration=timedelta(minutes=20)))
    place = places(world.run)[0]
    work = BerthWork(Berth(world, place), Yard(world, place))
    crane = QuayCrane(world, place, place.assets("crane", "STS")[0], work, Storm(Random(1), world.start_ms))
    world.agenda.follow(crane.samples(crane.program(), 1.0))
    facts = list(world.agenda)
    assignments = [f for f in facts if f.type.endswith("crane.assignment.v1") and f.data.get("delay_code") == "WEA"]
    states = [(f.data["state"], (f.time_ms - world.start_ms) // 60_000) for f in assignments]
    assert states == [("delay_start", 0), ("delay_end", 10)]
    first_landing = next(f for f in facts if f.data.get("spreader_landed"))
    assert first_landing.time_ms - world.start_ms > 600_000
