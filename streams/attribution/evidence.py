"""What shows that an episode of bad radio hindered a cycle: stops that begin with it and end with it, and creeping.

A crane stands still for many reasons, and cycle times vary by more than most fades cost, so that a long cycle in bad
radio proves little. A standstill that begins within seconds of the episode, out of motion, and ends within seconds of
its end does; one that began before it counts as far as good cycles do not stand so long (baseline.held).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from schemas.attribution import METHOD, Method
from streams.attribution.baseline import Baseline, held, middle_and_spread
from streams.attribution.motion import Motion, Run
from streams.attribution.spans import Span
from streams.attribution.work import Cycle


class Proof(NamedTuple):
    """Seconds lost to one episode, and how they show: `stopped`, `held` or `crept`."""

    lost_s: float
    how: str


@dataclass(frozen=True, slots=True)
class Witness:
    """Judges episodes by the motion of one machine; `radio_step_s` is how far apart its radio readings are."""

    motion: Motion
    baseline: Baseline
    radio_step_s: float
    method: Method = METHOD

    def judge(self, cycle: Cycle, runs: Sequence[Run], episode: Span) -> Proof | None:
        """The strongest proof, or None. `runs` are those of the cycle, without its aborted attempts."""
        near = [run for run in runs if run.until_s > episode.from_s and run.from_s < episode.until_s]
        proofs = [proof for run in near if (proof := self._of_run(cycle, run, episode)) is not None]
        strongest = max(proofs) if proofs else self._crept(cycle, episode)
        if strongest is None:
            return None
        return strongest._replace(lost_s=strongest.lost_s - self._waited_s(cycle, runs, episode))

    def _crept(self, cycle: Cycle, episode: Span) -> Proof | None:
        from_s, until_s = max(cycle.from_s, episode.from_s), min(cycle.until_s, episode.until_s)
        length_s, lost_s = self.motion.creep_s(from_s, until_s, self.method)
        return Proof(lost_s, "crept") if length_s >= self.method.least_creep_s else None

    def _waited_s(self, cycle: Cycle, runs: Sequence[Run], episode: Span) -> float:
        """What the cycle stood still later, far longer than good ones do: then it had to wait anyway."""
        waited_s = 0.0
        for run in runs:
            natural = self.baseline.longest_of(cycle, run.phase)
            if run.from_s > episode.until_s + self.method.resumes_s and len(natural) >= self.method.least_matches:
                middle, spread = middle_and_spread(natural)
                if run.length_s > middle + self.method.waits * spread:
                    waited_s += run.length_s - middle
        return waited_s

    def _of_run(self, cycle: Cycle, run: Run, episode: Span) -> Proof | None:
        slack_s = max(self.radio_step_s, self.motion.step_s)
        natural = self.baseline.naturally(cycle, run.phase)
        if run.is_landed and (dwelt := self._dwelt(run, natural, episode)) is not None:
            return dwelt
        late_s, latest_s = run.rises_s - episode.until_s, self.method.resumes_s + slack_s
        inside_s = min(run.rises_s, episode.until_s) - max(run.from_s, episode.from_s)
        if late_s < -slack_s or inside_s < self.method.covers * episode.length_s:
            return None
        if late_s > latest_s:
            return self._stopped_and_waited(cycle, run, episode, slack_s)
        lost_s = self._short_s(run, Span(episode.from_s - slack_s, episode.until_s + latest_s))
        if run.after_motion and self._is_onset(run.from_s, episode, slack_s):
            return Proof(lost_s, "stopped")
        before_s, after_s = max(episode.from_s - run.stops_s, 0.0), episode.until_s - run.stops_s
        likely, natural_s = held(natural, before_s, after_s, latest_s)
        if likely < self.method.sure:
            return None
        return Proof(max(min(lost_s, run.length_s - natural_s), 0.0), "held")

    def _stopped_and_waited(self, cycle: Cycle, run: Run, episode: Span, slack_s: float) -> Proof | None:
        """A stop that began with the episode and went over into a wait: what both took beyond the wait of good cycles."""
        natural = self.baseline.longest_of(cycle, run.phase)
        if not run.after_motion or not self._is_onset(run.from_s, episode, slack_s) or not natural:
            return None
        excess_s = run.length_s - middle_and_spread(natural)[0]
        lost_s = min(excess_s, episode.length_s + self.method.resumes_s)
        return Proof(lost_s, "stopped") if excess_s >= self.method.covers * episode.length_s else None

    def _is_onset(self, at_s: float, episode: Span, slack_s: float) -> bool:
        return -slack_s <= at_s - episode.from_s <= self.method.reacts_s + slack_s

    def _dwelt(self, run: Run, natural: Sequence[float], episode: Span) -> Proof | None:
        """Landings and locks hardly vary: one that takes far longer, most of it in the episode, was held."""
        if len(natural) < self.method.least_matches:
            return None
        middle, spread = middle_and_spread(natural)
        excess_s = run.length_s - middle
        inside_s = min(run.until_s, episode.until_s + self.method.resumes_s) - max(run.from_s, episode.from_s)
        if excess_s <= self.method.dwells * max(spread, self.motion.step_s) or inside_s < excess_s / 2:
            return None
        return Proof(min(excess_s, inside_s), "held")

    def _short_s(self, run: Run, within: Span) -> float:
        """What the run was short of usual motion, inside a span."""
        first, last = np.searchsorted(
            self.motion.time_s, [max(run.from_s, within.from_s), min(run.until_s, within.until_s)]
        )
        steps = np.diff(self.motion.time_s[first : last + 1])
        return float(np.sum(steps * (1 - np.minimum(self.motion.share[first : first + len(steps)], 1))))
