"""Thousands of schedules of everything that can go wrong: what was acknowledged is stored once, and the ledger adds up.

`python -m tests.simulation --seeds 10000` plays more of them, `--seed N` one.
"""

import pytest

from tests.property.conftest import TIMES
from tests.simulation.mutants import MUTANTS
from tests.simulation.play import ASHORE, first_failure, play, quiet, schedule_of
from tests.simulation.worlds import port, shore

CHUNKS = range(5)
"""Played apart, so that none takes long on a busy machine."""
SEEDS = 20 * TIMES
SHORE_SEEDS = 500 * TIMES
"""The gateway alone is twenty times as fast."""
ENOUGH = 60
"""A mutant is found within so many seeds."""


@pytest.mark.parametrize("chunk", CHUNKS)
def test_nothing_acknowledged_is_lost_or_stored_twice_whatever_happens(chunk: int) -> None:
    assert first_failure(range(chunk * SEEDS, (chunk + 1) * SEEDS), port) is None


@pytest.mark.parametrize("chunk", CHUNKS)
def test_what_a_gateway_acknowledged_arrives_in_order_whatever_happens(chunk: int) -> None:
    assert first_failure(range(chunk * SHORE_SEEDS, (chunk + 1) * SHORE_SEEDS), shore, ASHORE) is None


@pytest.mark.parametrize("name", MUTANTS)
def test_the_simulation_finds_what_it_is_there_to_find(name: str) -> None:
    mutant = MUTANTS[name]
    with mutant.beside():
        assert first_failure(range(ENOUGH), mutant.world) is not None


def test_a_seed_plays_the_same_every_time() -> None:
    mutant = MUTANTS["the fence is ignored"]
    with quiet():
        seed = next(seed for seed in range(ENOUGH) if play(schedule_of(seed), mutant.world))
        assert play(schedule_of(seed), mutant.world) == play(schedule_of(seed), mutant.world)


def test_a_failure_names_its_seed_and_is_made_short() -> None:
    failed = first_failure(range(ENOUGH), MUTANTS["an event leaves the spool when it is sent"].world)
    assert failed is not None
    assert len(failed.schedule) <= 3
    assert str(failed).startswith(f"seed {failed.seed} (")
    assert "left the spool before the broker had it" in str(failed)
