"""How long events waited: from the moment each was due to be sent to the first moment its commit was seen.

An upper bound, as fine as the watcher looks, without coordinated omission.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.errors import CheckFailedError
from streams.cli.benchmark.generator import Schedule
from streams.cli.benchmark.observation import Observation


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds from due to visible; infinite where events (`unseen` of them) were never committed.

    `acked_p99_ms` is from due until the broker had acknowledged: how much is generator and broker, before anyone's turn.
    """

    events: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    unseen: int
    acked_p99_ms: float


@dataclass(frozen=True, slots=True)
class Latency:
    """A contestant at `rate` events/s. CPU is that of the whole run, the warm-up in it.

    `rows_ok`: every event sent, the warm-up's too, is stored once.
    """

    contestant: str
    rate: int
    waits: Waits
    cpu_us_per_event: Mapping[str, float]
    rows_ok: bool


def latencies(schedule: Schedule, seen: Sequence[Observation]) -> npt.NDArray[np.float64]:
    """Seconds from due to first seen committed, one per event of `schedule`; infinite for one never seen."""
    moments = np.array([observation.at for observation in seen] + [np.inf])
    result = np.full(len(schedule), np.inf)
    for partition in np.unique(schedule["partition"]).tolist():
        mine = schedule["partition"] == partition
        heads = np.array([observation.heads.get(partition, 0) for observation in seen])
        first = np.searchsorted(heads, schedule["offset"][mine], side="right")
        result[mine] = moments[first] - schedule["due"][mine]
    return result


def waits_of(schedule: Schedule, seen: Sequence[Observation], warm_up_s: float) -> Waits:
    """Percentiles over the events due after the warm-up; raises CheckFailedError when there are none."""
    counted = schedule[schedule["due"] >= schedule["due"][:1] + warm_up_s]
    if not len(counted):
        raise CheckFailedError(f"no event was due after the warm-up of {warm_up_s:.0f} s")
    waited = latencies(counted, seen)
    p50, p99, p999, most = np.percentile(waited * 1e3, (50, 99, 99.9, 100), method="inverted_cdf").tolist()
    acked = float(np.percentile((counted["acked"] - counted["due"]) * 1e3, 99))
    return Waits(len(counted), p50, p99, p999, most, int(np.isinf(waited).sum()), acked)
