"""Alarm drills on a local stack that is up and migrated: each causes a fault, waits for its alert, repairs, and measures.

    python -m deploy.monitoring.drills            all of them, one after the other
    python -m deploy.monitoring.drills FAULT…     only these

Empties nothing, but pauses, stops and restarts: not for a stack that somebody uses. Exit code 1: a drill did not go as stated.
"""

from deploy.monitoring.drills.faults import DRILLS

__all__ = ["DRILLS"]
