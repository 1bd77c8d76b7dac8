"""Boxes: releases by when they were released, stays by when the box left."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.simulator.kpis.number import Number, mean, percentile, ratio
from connectors.simulator.kpis.window import Window

Stay = Mapping[str, Any]
"""A row of `port.cargo_visit` as a scenario states it, its times in epoch ms."""
_HOUR_S: Final = 3600
_HOUR_MS: Final = 3_600_000


def cargo_numbers(stays: Sequence[Stay], window: Window) -> Iterator[Number]:
    """Of each class of boxes, and of all; waits by agency."""
    released = [stay for stay in stays if window.holds(stay["released_at"])]
    left = [stay for stay in stays if window.holds(stay["gated_out_at"] or stay["loaded_at"])]
    if released or left:
        yield from _numbers(released, left, window)
    for kind in sorted({stay["cargo_class"] for stay in (*released, *left)}):
        ours, theirs = ([stay for stay in some if stay["cargo_class"] == kind] for some in (released, left))
        yield from (number._replace(part=kind) for number in _numbers(ours, theirs, window))
    agencies = sorted({agency for stay in released for agency in stay["wait_s_by_agency"]})
    for agency in agencies:
        waits = [stay["wait_s_by_agency"].get(agency) for stay in released]
        hours = (None if wait is None else wait / _HOUR_S for wait in waits)
        yield from (number._replace(part=agency) for number in mean("agency_wait", hours))


def _numbers(released: Sequence[Stay], left: Sequence[Stay], window: Window) -> Iterator[Number]:
    dwells = [None if stay["dwell_s"] is None else stay["dwell_s"] / _HOUR_S for stay in left]
    yield ratio("yard_release", len(released), window.hours / 24, len(released))
    yield from mean("dwell_mean", dwells)
    yield from percentile("dwell_p50", dwells, 0.5)
    yield from percentile("dwell_p90", dwells, 0.9)
    by_land = [stay for stay in left if _is_ordered(stay["discharged_at"], stay["released_at"], stay["gated_out_at"])]
    held = [(stay["released_at"] - stay["discharged_at"]) / _HOUR_MS for stay in by_land]
    yield from mean("dwell_until_release", held)
    free = [(stay["gated_out_at"] - stay["released_at"]) / _HOUR_MS for stay in by_land]
    yield from mean("dwell_after_release", free)


def _is_ordered(*moments: int | None) -> bool:
    """Whether all of them are known, each no earlier than the one before."""
    known = [moment for moment in moments if moment is not None]
    return len(known) == len(moments) and known == sorted(known)
