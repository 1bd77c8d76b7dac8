"""What the radio cost each cycle of a machine over a day, and which of them it is not known of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from schemas.attribution import METHOD, Method
from streams.attribution.baseline import Baseline, Match, baseline_of
from streams.attribution.evidence import Proof, Witness
from streams.attribution.motion import Motion, Run
from streams.attribution.radio import Radio
from streams.attribution.spans import Span, shared, total_s
from streams.attribution.work import Cycle

State = Literal["good", "exposed", "unknown"]


class Loss(NamedTuple):
    """One cycle: its radio, what it is compared with, and what the radio cost. `how` is None where it cost nothing."""

    cycle: Cycle
    state: State
    worked_s: float
    exposed: Sequence[Span]
    known_s: float
    match: Match | None
    lost_s: float
    moves: float
    how: str | None


@dataclass(frozen=True, slots=True)
class Day:
    """All that is known of one machine: its work, when it stood idle, its radio, and its motion if it tells of it."""

    cycles: Sequence[Cycle]
    idle: Sequence[Span]
    radio: Radio
    motion: Motion | None


def losses(day: Day, method: Method = METHOD) -> list[Loss]:
    """One per cycle, in the order given. Where the machine tells of no motion, by the cycles' times alone."""
    seen = [_seen(day, cycle, method) for cycle in day.cycles]
    good = [
        (one.cycle, one.worked_s, _runs(day, one.cycle))
        for one in seen
        if one.state == "good" and one.cycle.outcome == "counted"
    ]
    baseline = baseline_of(good, method)
    witness = None if day.motion is None else Witness(day.motion, baseline, day.radio.step_s, method)
    return [_judged(day, one, baseline, witness, method) for one in seen]


def _seen(day: Day, cycle: Cycle, method: Method) -> Loss:
    working = cycle.working(day.idle)
    worked_s, known_s = total_s(working), total_s(shared(working, day.radio.known))
    exposed = shared(working, day.radio.bad)
    state: State = "exposed" if exposed else "good" if known_s >= method.covered * worked_s else "unknown"
    return Loss(cycle, state, worked_s, exposed, known_s, None, 0.0, 0.0, None)


def _judged(day: Day, one: Loss, baseline: Baseline, witness: Witness | None, method: Method) -> Loss:
    match = baseline.match(one.cycle)
    if one.state != "exposed" or match is None:
        return one._replace(match=match)
    if one.cycle.outcome == "aborted":
        proof: Proof | None = Proof(_aborted_s(day, one, method), "aborted")
    elif witness is None:
        proof = _by_time(one, match, method)
    else:
        proof = _by_motion(day, one, witness)
    if proof is None or proof.lost_s <= 0:
        return one._replace(match=match)
    return one._replace(match=match, lost_s=proof.lost_s, moves=proof.lost_s / match.median_s, how=proof.how)


def _by_motion(day: Day, one: Loss, witness: Witness) -> Proof | None:
    runs = _runs(day, one.cycle)
    whole = [span for span in day.radio.bad if any(span.from_s <= part.from_s < span.until_s for part in one.exposed)]
    proofs = [proof for episode in whole if (proof := witness.judge(one.cycle, runs, episode)) is not None]
    return Proof(sum(proof.lost_s for proof in proofs), max(proofs).how) if proofs else None


def _by_time(one: Loss, match: Match, method: Method) -> Proof | None:
    """Slow beyond what good cycles spread; the excess, bounded to the time in bad radio."""
    excess_s = one.worked_s - match.median_s
    if excess_s <= method.spreads * match.spread_s:
        return None
    return Proof(min(excess_s, total_s(one.exposed)), "slow")


def _aborted_s(day: Day, one: Loss, method: Method) -> float:
    """From the lock that was given up to the one that held, as far as the radio was bad."""
    attempt = one.cycle
    again = [c.locked_s for c in day.cycles if c.outcome != "aborted" and c.from_s <= attempt.from_s < c.until_s]
    until_s = one.exposed[-1].until_s
    whole = [span.until_s for span in day.radio.bad if span.from_s < until_s <= span.until_s]
    return min(min(again, default=attempt.until_s), max(whole, default=until_s) + method.resumes_s) - attempt.from_s


def _runs(day: Day, cycle: Cycle) -> list[Run]:
    """A cycle's runs, without idle ones and those of lifts that were given up."""
    if day.motion is None:
        return []
    given_up = [
        Span(c.from_s, max(cycle.locked_s, c.until_s))
        for c in day.cycles
        if c.outcome == "aborted" and cycle.from_s <= c.from_s < cycle.until_s
    ]
    out = [*given_up, *day.idle]
    return [
        run
        for run in day.motion.runs
        if run.from_s >= cycle.from_s - day.motion.step_s
        and run.from_s < cycle.until_s
        and not any(span.from_s <= run.from_s < span.until_s for span in out)
    ]
