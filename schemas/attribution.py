"""What counts as radio too bad for remote control, and the settings of the attribution: one place, data only.

A change of anything here is another definition: raise the version of schemas/kpi/radio.yaml with it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ControlProfile:
    """A reading beyond any of these is out of the profile (TS 22.104 table 5.2-1 and TS 38.133, as defaults)."""

    rtt_ms: float = 30.0
    loss_ratio: float = 1e-4
    sinr_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Method:
    """Seconds, shares and counts of the attribution.

    `hold_s`: how long a reading speaks for the time after it. `join_s`: bad spans this near are one. `least_s`: a
    shorter one is no episode (a handover). `reacts_s`, `resumes_s`: how long after its begin and end a machine stops
    and goes on. `creep`: below this share of its usual speed a machine is hindered, below `still` it stands.
    `least_creep_s`: slower than that only counts for so long. `covers`: the share
    of an episode that a stop must cover. `sure`: how likely it must be that a standstill was held. `waits`: a later
    standstill this many spreads longer than usual was a wait for something else. `dwells`: so many spreads make a landing
    or a lock too long.
    `covered`: the share of a cycle that radio readings must speak for. `least_matches`: good cycles to compare with.
    `spreads`: where there is no motion, a cycle is slow beyond so many spreads.
    """

    hold_s: float = 5.0
    join_s: float = 2.0
    least_s: float = 1.5
    reacts_s: float = 2.0
    resumes_s: float = 4.0
    creep: float = 0.45
    still: float = 0.03
    least_creep_s: float = 3.0
    covers: float = 0.6
    sure: float = 0.8
    waits: float = 3.0
    dwells: float = 4.0
    covered: float = 0.9
    least_matches: int = 5
    spreads: float = 2.0
    resamples: int = 1000


PROFILE = ControlProfile()
METHOD = Method()
