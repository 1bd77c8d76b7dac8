"""From runs to the result file (contract section 8): medians over rounds, ratios within rounds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from streams.cli.benchmark.contestants import LIMIT, OURS, STOCK_FAUST, Contestant
from streams.cli.benchmark.drain import Drain
from streams.cli.benchmark.latency import Latency

WORKLOAD = "crane-samples"
RATIOS = {"stock_faust": STOCK_FAUST.name, "limit": LIMIT.name}
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything one benchmark measured; `event_bytes` is the mean size of an event's value."""

    contestants: tuple[Contestant, ...]
    drains: tuple[Drain, ...]
    latencies: tuple[Latency, ...]
    event_bytes: float
    generator_events_per_s: float


def document(machine: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    """The result file. Warm-up rounds are dropped; contestants without a counted round are left out."""
    counted = [run for run in outcome.drains if run.number > 0]
    entries = [_entry(c, counted, outcome) for c in outcome.contestants if any(r.contestant == c.name for r in counted)]
    ratios = {key: per_round for key, name in RATIOS.items() if (per_round := ratios_to(name, counted))}
    return {
        "machine": dict(machine),
        "workloads": [
            {
                "name": WORKLOAD,
                "event_bytes": round(outcome.event_bytes),
                "rounds": max((run.number for run in counted), default=0),
                "generator_events_per_s": round(outcome.generator_events_per_s),
                "contestants": entries,
            }
        ],
        "ratios": {key: _rounded(median(values)) for key, values in ratios.items()},
        "ratio_ranges": {key: [_rounded(min(values)), _rounded(max(values))] for key, values in ratios.items()},
    }


def ratios_to(peer: str, runs: Iterable[Drain]) -> list[float]:
    """Our rate over the peer's, round by round."""
    rates = {(run.contestant, run.number): run.events_per_s for run in runs}
    rounds = sorted(number for name, number in rates if name == peer and (OURS.name, number) in rates)
    return [rates[OURS.name, number] / rates[peer, number] for number in rounds]


def _entry(contestant: Contestant, counted: Sequence[Drain], outcome: Outcome) -> dict[str, Any]:
    runs = [run for run in counted if run.contestant == contestant.name]
    rates = [run.events_per_s for run in runs]
    # A warm-up that stored the wrong rows is wrong all the same.
    faults = [fault for run in outcome.drains if run.contestant == contestant.name for fault in run.faults]
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
