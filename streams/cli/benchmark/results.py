"""From runs to the result file (contract section 8): medians over rounds, ratios within rounds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any, NamedTuple

from streams.cli.benchmark.contestants import OURS, Contestant
from streams.cli.benchmark.courses import Course
from streams.cli.benchmark.drain import Drain
from streams.cli.benchmark.latency import Latency

NEVER = "never finished"
WORKER = ("worker",)
PARTS = ("worker", "database", "broker")
Document = Mapping[str, Any]


class Pace(NamedTuple):
    """The mean size of an event's value, and what the generator alone sends."""

    event_bytes: float
    generator_events_per_s: float


class Failure(NamedTuple):
    """A run that did not come to its end: whose, and why. It has no figures."""

    contestant: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything measured with one workload; `left_out`: who did not play it, and why."""

    course: Course
    contestants: tuple[Contestant, ...]
    drains: tuple[Drain, ...]
    latencies: tuple[Latency, ...]
    pace: Pace
    left_out: Mapping[str, str] = field(default_factory=dict)
    failures: Sequence[Failure] = ()


def document(machine: Mapping[str, Any], outcomes: Sequence[Outcome], absent: Mapping[str, str]) -> dict[str, Any]:
    """The result file; its own ratios are those of the first workload.

    Warm-up rounds are dropped; contestants without a counted round are left out.
    """
    workloads = [_workload(outcome) for outcome in outcomes]
    first = {name: value for name, value in workloads[0].items() if name in _RATIOS}
    return {"machine": dict(machine), "absent": dict(absent), "workloads": workloads, **first}


_RATIOS = ("ratios", "ratio_ranges", "cpu_ratios", "cpu_ratio_ranges", "worker_cpu_ratios", "worker_cpu_ratio_ranges")


def _workload(outcome: Outcome) -> dict[str, Any]:
    counted = [run for run in outcome.drains if run.number > 0]
    entries = [_entry(c, counted, outcome) for c in outcome.contestants if any(r.contestant == c.name for r in counted)]
    peers = [entry["name"] for entry in entries if entry["name"] != OURS.name]
    return {
        "name": outcome.course.name,
        "does": outcome.course.does,
        "event_bytes": round(outcome.pace.event_bytes),
        "rounds": max((run.number for run in counted), default=0),
        "generator_events_per_s": round(outcome.pace.generator_events_per_s),
        "contestants": entries,
        "left_out": {**outcome.left_out, **_unfinished(outcome, entries)},
        **_summed_up("ratio", {peer: ratios_to(peer, counted) for peer in peers}),
        **_summed_up("cpu_ratio", {peer: cpu_ratios_to(peer, counted, PARTS) for peer in peers}),
        **_summed_up("worker_cpu_ratio", {peer: cpu_ratios_to(peer, counted, WORKER) for peer in peers}),
    }


def _unfinished(outcome: Outcome, entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Who never came to the end of a counted round, and why not the first time."""
    there = {entry["name"] for entry in entries}
    failed = {f.contestant: f"{NEVER}: {f.why}" for f in reversed(outcome.failures)}
    return {name: why for name, why in failed.items() if name not in there}


def ratios_to(peer: str, runs: Iterable[Drain]) -> list[float]:
    """Our rate over the peer's, round by round."""
    return [ours.events_per_s / theirs.events_per_s for ours, theirs in _side_by_side(peer, runs)]


def cpu_ratios_to(peer: str, runs: Iterable[Drain], parts: Sequence[str]) -> list[float]:
    """What an event costs the peer over what it costs us, in CPU of these parts, round by round."""
    pairs = _side_by_side(peer, runs)
    costs = [[sum(run.cpu_us_per_event[part] for part in parts) for run in pair] for pair in pairs]
    return [theirs / ours for ours, theirs in costs if ours > 0]


def _side_by_side(peer: str, runs: Iterable[Drain]) -> list[tuple[Drain, Drain]]:
    by_round = {(run.contestant, run.number): run for run in runs}
    rounds = sorted(number for name, number in by_round if name == peer and (OURS.name, number) in by_round)
    return [(by_round[OURS.name, number], by_round[peer, number]) for number in rounds]


def _summed_up(name: str, by_peer: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    ratios = {peer: values for peer, values in by_peer.items() if values}
    return {
        f"{name}s": {peer: _rounded(median(values)) for peer, values in ratios.items()},
        f"{name}_ranges": {peer: [_rounded(min(values)), _rounded(max(values))] for peer, values in ratios.items()},
    }


def _entry(contestant: Contestant, counted: Sequence[Drain], outcome: Outcome) -> dict[str, Any]:
    runs = [run for run in counted if run.contestant == contestant.name]
    rates = [run.events_per_s for run in runs]
    # A warm-up that stored the wrong rows is wrong all the same.
    faults = [fault for run in outcome.drains if run.contestant == contestant.name for fault in run.faults]
    faults += [failure.why for failure in outcome.failures if failure.contestant == contestant.name]
    waits = [latency for latency in outcome.latencies if latency.contestant == contestant.name]
    return {
        "name": contestant.name,
        "does": contestant.does,
        "events": runs[0].events,
        "events_per_s": round(median(rates)),
        "events_per_s_rounds": [round(rate) for rate in rates],
        "cpu_us_per_event": {
            part: _rounded(median(run.cpu_us_per_event[part] for run in runs)) for part in runs[0].cpu_us_per_event
        },
        "rss_mb": round(max(run.rss_mb for run in runs)),
        "rows_ok": not faults and all(latency.rows_ok for latency in waits),
        "faults": faults,
        "latency_ms": {str(latency.rate): _latency(latency) for latency in waits},
    }


def _latency(latency: Latency) -> dict[str, Any]:
    waits = latency.waits
    return {
        "p50": _milliseconds(waits.p50_ms),
        "p99": _milliseconds(waits.p99_ms),
        "p99.9": _milliseconds(waits.p999_ms),
        "max": _milliseconds(waits.max_ms),
        "events": waits.events,
        "unseen": waits.unseen,
        "cpu_us_per_event": {part: _rounded(micros) for part, micros in latency.cpu_us_per_event.items()},
        "rows_ok": latency.rows_ok,
        "acked_p99": _milliseconds(waits.acked_p99_ms),
    }


def mean_bytes(values: Iterable[bytes]) -> float:
    """The mean size of events."""
    return mean(map(len, values))


def _milliseconds(value: float) -> float | None:
    """JSON has no infinity: an event never seen has no latency."""
    return round(value, 1) if math.isfinite(value) else None


def _rounded(value: float) -> float:
    """To three significant digits: more would be a lie."""
    return float(f"{value:.3g}")
