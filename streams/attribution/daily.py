"""A machine's day as facts: one row of `kpi.radio_loss` per cycle, and one of `kpi.radio_attribution` about all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from schemas.attribution import METHOD, Method
from schemas.facts import RADIO_ATTRIBUTION, RADIO_LOSS
from streams.attribution.cycles import Loss
from streams.attribution.radio import Readings, cell_seconds
from streams.attribution.spans import total_s
from streams.facts.crane_samples import from_us
from streams.facts.fact import Fact

DEFINITION: Final = "radio_moves_lost@1"
_SEED: Final = 28554
_INTERVAL: Final = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Place:
    """Which machine and day: `day` is when the site's day begins, `name` its local date; `is_over` once it has ended."""

    asset_id: str
    site: str
    day: datetime
    name: str
    is_over: bool


def facts_of(
    place: Place, losses: Sequence[Loss], modems: Sequence[Readings], state: Mapping[str, Any]
) -> tuple[list[Fact], Fact]:
    """The cycles' facts and the day's; `state` says what they were made of."""
    cells = [_cells(loss, modems) for loss in losses]
    cycles = [_cycle(place, loss, served) for loss, served in zip(losses, cells, strict=True)]
    return cycles, _day(place, losses, cycles, state)


def interval(moves: Sequence[float], method: Method = METHOD) -> tuple[float, float]:
    """A 95 % interval of their sum: the day's cycles drawn again with replacement, always by the same dice.

    Says how much hangs on which cycles the day happened to have; not how far the method itself may err.
    """
    if not any(moves):
        return 0.0, 0.0
    dice = np.random.default_rng(_SEED)
    values = np.asarray(moves)
    sums = dice.choice(values, (method.resamples, len(values))).sum(axis=1)
    low, high = np.percentile(sums, _INTERVAL)
    return float(low), float(high)


def outcome_of(loss: Loss) -> str:
    """`attributed`, `exposed`, `unmatched`, `good` or `unknown`."""
    if loss.how is not None:
        return "attributed"
    if loss.state == "exposed" and loss.match is None:
        return "unmatched"
    return loss.state


def _cells(loss: Loss, modems: Sequence[Readings]) -> dict[str, float]:
    served: Counter[str] = Counter()
    for readings in modems:
        served.update(cell_seconds(readings, loss.exposed))
    return {cell: round(seconds, 3) for cell, seconds in sorted(served.items())}


def _cycle(place: Place, loss: Loss, cells: Mapping[str, float]) -> Fact:
    match = loss.match
    values = {
        "cycle_id": loss.cycle.cycle_id,
        "asset_id": place.asset_id,
        "site": place.site,
        "day": place.day,
        "started_at": _at(loss.cycle.from_s),
        "ended_at": _at(loss.cycle.until_s),
        "worked_s": round(loss.worked_s, 3),
        "known_s": round(loss.known_s, 3),
        "exposed_s": round(total_s(loss.exposed), 3),
        "baseline_s": None if match is None else round(match.median_s, 3),
        "spread_s": None if match is None else round(match.spread_s, 3),
        "matches": None if match is None else match.n,
        "matched_by": None if match is None else match.by,
        "how": loss.how,
        "lost_s": round(loss.lost_s, 3),
        "moves_lost": round(loss.moves, 6),
        "cells": dict(cells),
        "definition": DEFINITION,
        "outcome": outcome_of(loss),
    }
    return Fact(RADIO_LOSS.kind, loss.cycle.cycle_id, values)


def _day(place: Place, losses: Sequence[Loss], cycles: Sequence[Fact], state: Mapping[str, Any]) -> Fact:
    outcomes = Counter(fact.values["outcome"] for fact in cycles)
    moves = [fact.values["moves_lost"] for fact in cycles]
    low, high = interval(moves)
    bad: Counter[str] = Counter()
    for fact in cycles:
        bad.update(fact.values["cells"])
    values = {
        "day_id": f"{place.asset_id}/{place.name}",
        "asset_id": place.asset_id,
        "site": place.site,
        "day": place.day,
        "cycles": len(losses),
        "exposed": sum(loss.state == "exposed" for loss in losses),
        "attributed": outcomes["attributed"],
        "unmatched": outcomes["unmatched"],
        "unknown": outcomes["unknown"],
        "bad_s": round(sum(fact.values["exposed_s"] for fact in cycles), 3),
        "lost_s": round(sum(fact.values["lost_s"] for fact in cycles), 3),
        "moves_lost": round(sum(moves), 6),
        "moves_low": round(low, 6),
        "moves_high": round(high, 6),
        "cells": {cell: round(seconds, 3) for cell, seconds in sorted(bad.items())},
        "definition": DEFINITION,
        "completeness": 1 - outcomes["unknown"] / len(losses) if losses else None,
        "outcome": "complete" if place.is_over else "open",
        "state": dict(state),
    }
    return Fact(RADIO_ATTRIBUTION.kind, values["day_id"], values)


def _at(time_s: float) -> datetime:
    return from_us(round(time_s * 1e6))
