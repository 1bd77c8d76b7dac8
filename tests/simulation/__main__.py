"""`python -m tests.simulation`: a longer hunt, or one seed again. Exits with 1 at the first seed that goes wrong, made short."""

import argparse
import sys
import time

from tests.simulation.play import ASHORE, CHANCES, first_failure
from tests.simulation.worlds import port, shore

WORLDS = {"port": (port, CHANCES), "shore": (shore, ASHORE)}


def main() -> int:
    """Play seeds until one goes wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--world", choices=WORLDS, default="port")
    parser.add_argument("--seeds", type=int, default=2_000, help="how many")
    parser.add_argument("--start", type=int, default=1_000_000, help="the first of them; tests play those from 0 on")
    parser.add_argument("--seed", type=int, help="this one alone")
    asked = parser.parse_args()
    seeds = range(asked.start, asked.start + asked.seeds) if asked.seed is None else [asked.seed]
    world, chances = WORLDS[asked.world]
    started = time.process_time()
    failed = first_failure(seeds, world, chances)
    print(failed or f"{len(seeds):,} seeds, nothing wrong; {time.process_time() - started:.0f} s of CPU")
    return int(failed is not None)


if __name__ == "__main__":
    sys.exit(main())
