"""Plays the drills that are named, or all."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.monitoring.drills.faults import DRILLS
from deploy.monitoring.drills.ground import ground
from deploy.monitoring.drills.play import line, play


def main(faults: Sequence[str]) -> int:
    """Play the drills; prints a row for each."""
    known = [drill.fault for drill in DRILLS]
    if unknown := sorted(set(faults) - set(known)):
        print(f"no such drill: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    results = []
    with ground(Path(os.environ.get("QUAYSTREAM_HOME", ".quaystream"))) as place:
        for drill in DRILLS:
            if not faults or drill.fault in faults:
                results.append(play(drill, place))
                print(line(results[-1]), flush=True)
    return 0 if all(result.is_as_stated() for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
