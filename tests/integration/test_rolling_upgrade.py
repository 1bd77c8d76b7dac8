"""Two workers of the version before are replaced under load, one after the other, and back: nothing is lost or there twice."""

from itertools import pairwise
from pathlib import Path

import pytest

from streams.cli.benchmark.rolling.drill import WORKERS, Drill, Plan, as_table
from streams.cli.benchmark.rolling.pauses import Look, Watch, longest, still
from streams.cli.benchmark.rolling.versions import BEFORE, current, has, install, install_same
from tests.support.system import System

PLAN = Plan(per_s=300.0, settle_s=1.5, seed=20_261)
# Not how long it takes, which the drill's page has: only that partitions are not left to a time-out of the group.
HANGS_S = 60.0


@pytest.mark.timeout(900)
def test_workers_of_two_versions_side_by_side_lose_nothing_and_count_nothing_twice(
    system: System, tmp_path: Path
) -> None:
    before = install(BEFORE, tmp_path / "before") if has(BEFORE) else install_same(tmp_path / "before")
    result = Drill(PLAN, before, current(), system.environment, tmp_path).run()
    print(as_table(result))
    assert result.problems() == []
    assert result.accepted == result.sent > 300
    # Each worker was replaced by the newer version and then, on the newer schema, by the older one again.
    assert [step.what.rpartition(" ")[2] for step in result.steps] == [result.after] * WORKERS + [
        result.before
    ] * WORKERS
    assert max(step.pause_s for step in result.steps) < HANGS_S
    owners = [owner for (owner,) in system.database.rows("SELECT DISTINCT owner FROM ingest.partition_offset")]
    assert len(owners) <= WORKERS


def looks(*offsets: dict[tuple[str, int], int]) -> list[Look]:
    return [Look(float(second), of_all) for second, of_all in enumerate(offsets)]


A, B = ("crane-events", 0), ("crane-events", 1)


def test_a_pause_is_the_longest_time_between_two_advances_and_the_ends_count() -> None:
    seen = looks({A: 0, B: 0}, {A: 1, B: 0}, {A: 1, B: 0}, {A: 1, B: 5}, {A: 2, B: 5}, {A: 2, B: 5})
    assert longest(seen, [A, B]) == {A: 3.0, B: 3.0}
    assert still(seen) == 2.0
    assert [after.at_s - before.at_s for before, after in pairwise(seen)] == [1.0] * 5


def test_a_partition_that_gets_little_is_not_a_busy_one() -> None:
    watch = Watch("", looks({A: 100, B: 7}, {A: 150, B: 8}, {A: 190, B: 9}))
    assert watch.busy(10.0) == {A}
    assert watch.outcomes() == 92
