"""KPI definitions as versioned data: what each number means, how it is computed, and an example that a test computes.

The data is in the YAML files, one per domain; `quaystream migrate` loads it (connectors/timescale/definitions.py).
A definition never changes under its version: released.yaml holds the digest of each one published.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import ConfigurationError

FOLDER: Final = Path(__file__).parent
RELEASED: Final = FOLDER / "released.yaml"

Domain = Literal["crane", "gate", "cargo", "vessel", "cell", "device", "any", "radio"]
CraneGrain = Literal["crane", "delay", "dispatch", "quay", "yard"]
GateGrain = Literal["visit", "touch", "passage", "peak", "wait", "exception"]
NetworkGrain = Literal["cell", "energy", "device", "radio"]
Grain = Literal[CraneGrain, GateGrain, NetworkGrain, "cargo", "hold", "agency", "call", "berth", "stream"]
TimeBase = Literal[
    "cycle_ends",
    "time_in_period",
    "visit_ends",
    "passage_ends",
    "release",
    "box_leaves",
    "ship_leaves",
    "event",
    "report_ends",
]
DOMAINS: Final[tuple[Domain, ...]] = get_args(Domain)[:4]
NETWORK_DOMAINS: Final[tuple[Domain, ...]] = get_args(Domain)[4:6]
"""The domains whose numbers rest on counters and readings, not on facts."""

_CRANE: Final = (
    *("boxes", "cycles", "lifts", "timed_cycles", "cycle_s", "cycle_s_sq", "cycle_p50_s", "cycle_p90_s", "energy_kwh"),
    *("energy_moves", "confirmed_boxes", "confirmed_jobs", "unconfirmed_boxes", "allocated_h", "logged_h", "net_h"),
    *("available_h", "on_h", "working_h", "uptime_h", "down_h", "uptime_and_down_h", "failures", "repairs", "repair_h"),
)
_VISIT: Final = (
    *("visits", "touch_points", "touch_points_sq", "manual_touch_points", "manual_touch_points_sq", "turn_min"),
    *("turn_min_sq", "turned", "total_turn_min", "total_turn_min_sq", "total_turned", "procedure_min"),
    *("procedure_min_sq", "procedures", "exception_visits", "appointments", "appointments_met", "camera_visits"),
    *("first_pass_visits", "container_reads", "check_digit_passes"),
)
_CALL: Final = (
    *("calls", "moves", "berth_h", "worked_calls", "wait_h", "wait_h_sq", "waited", "turnaround_h", "turnaround_h_sq"),
    *("turned", "port_h", "port_h_sq", "ported", "assigned_h", "operation_h", "operated"),
)
_CELL: Final = (
    *("accessible", "access_attempts", "drb_attempts", "pdu_successes", "pdu_requests"),
    *("handed_over", "handover_attempts", "handovers", "handover_time_sum", "handover_time_weight", "handover_times"),
    *("handover_time_max_s", "handover_time_maxima", "flow_releases", "flow_time_s", "device_time_s"),
    *("bearer_releases", "bearer_time_s", "throughput_dl_sum", "throughput_dl_weight", "throughputs_dl"),
    *("throughput_ul_sum", "throughput_ul_weight", "throughputs_ul", "du_latency_dl_sum", "du_latency_dl_weight"),
    *("du_latencies_dl", "du_delay_dl_sum", "du_delay_dl_weight", "du_delays_dl", "du_delay_ul_sum"),
    *("du_delay_ul_weight", "du_delays_ul", "cuup_delay_dl_sum", "cuup_delay_dl_weight", "cuup_delays_dl"),
    *("cuup_delay_ul_sum", "cuup_delay_ul_weight", "cuup_delays_ul", "delay_dl_s", "delay_ul_s"),
    *("n3_ul_bps", "n3_ul_reports", "n3_dl_bps", "n3_dl_reports", "volume_bit", "energy_j", "energy_reports"),
)
_DEVICE: Final = (
    *("readings", "rsrp_dbm", "rsrp_n", "sinr_db", "sinr_n", "rtt_ms", "rtt_ms_sq", "rtt_n", "rtt_max_ms"),
    *("rtt_p50_ms", "rtt_p99_ms", "rtt_in_30_ms", "handovers"),
)
MEASURES: Final[Mapping[Grain, tuple[str, ...]]] = {
    "crane": _CRANE,
    "delay": ("delay_h", "delays"),
    "dispatch": ("busy_h", "jobs"),
    "quay": ("quay_boxes", "quay_lifts"),
    "yard": ("rehandles", "yard_lifts"),
    "visit": _VISIT,
    "touch": ("untouched", "visits"),
    "passage": ("passages", "lane_h", "transaction_s", "transaction_s_sq", "transactions"),
    "peak": ("peak_passages", "passages"),
    "wait": ("wait_min", "visits"),
    "exception": ("of_reason", "exceptions"),
    "cargo": ("released", "elapsed_days", "stays", "dwell_h", "dwell_h_sq", "dwell_p50_h", "dwell_p90_h"),
    "hold": ("held_h", "held_h_sq", "free_h", "free_h_sq", "boxes"),
    "agency": ("wait_h", "visits"),
    "call": _CALL,
    "berth": ("occupied_h", "berth_hours", "berths"),
    "stream": ("received", "expected"),
    "cell": _CELL,
    "energy": ("energy_kwh", "network_kwh", "energy_moves"),
    "device": _DEVICE,
    "radio": ("cycles", "known_cycles", "exposed_cycles", "attributed_cycles", "lost_min", "moves_lost"),
}
"""What the database measures of each grain: the only words an input may use."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Inputs(_Value):
    """value = numerator / denominator * factor; `n` counts what it rests on, `square` is Σ x² where it is a mean."""

    numerator: str
    denominator: str | None = None
    factor: float = 1.0
    n: str
    square: str | None = None


class ExampleRow(_Value):
    """`repeat` rows of a table, `every_s` seconds apart; times in `values` are written HH:MM[:SS] of the first day."""

    table: str
    repeat: int = Field(default=1, ge=1)
    every_s: float = 0.0
    values: dict[str, Any]


class Example(_Value):
    """Rows, and the value that the database computes from them over `days` days (`part` where the KPI has parts)."""

    tells: str
    rows: tuple[ExampleRow, ...]
    days: int = 1
    part: str | None = None
    value: float


class Definition(_Value):
    """One version of one KPI."""

    kpi_id: str = Field(alias="id", pattern=r"^[a-z][a-z0-9_]*$")
    version: int = Field(ge=1)
    title: str
    unit: str
    domain: Domain
    grain: Grain
    formula: str
    inputs: Inputs
    exclusions: tuple[str, ...] = ()
    time_base: TimeBase
    source: str
    since: date
    better: Literal["higher", "lower", "neither"]
    compare: Literal["welch", "poisson"] | None = None
    example: Example

    @model_validator(mode="after")
    def _uses_measured_words(self) -> Self:
        used = {self.inputs.numerator, self.inputs.denominator, self.inputs.n, self.inputs.square} - {None}
        unknown = sorted(str(word) for word in used if word not in MEASURES[self.grain])
        if unknown:
            raise ValueError(f"{self.kpi_id}: {', '.join(unknown)} is no measure of {self.grain}")
        if self.compare == "welch" and (self.inputs.square is None or self.inputs.denominator != self.inputs.n):
            raise ValueError(f"{self.kpi_id}: a mean is compared by its squares and divides by its n")
        return self

    @property
    def name(self) -> str:
        return f"{self.kpi_id}@{self.version}"

    @property
    def digest(self) -> str:
        """Of all that is said but the example: that may get better."""
        said = self.model_dump(mode="json", exclude={"example"})
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


@cache
def load_definitions() -> tuple[Definition, ...]:
    """Every version of every KPI, in the order of the files. Raises `ConfigurationError` where they do not hold."""
    files = [FOLDER / f"{domain}.yaml" for domain in (*DOMAINS, *NETWORK_DOMAINS, "stream", "radio")]
    found: list[Definition] = []
    for file in files:
        try:
            said = yaml.safe_load(file.read_text(encoding="utf-8"))["kpis"]
            found += [Definition.model_validate(one) for one in said]
        except (ValidationError, yaml.YAMLError, KeyError) as error:
            raise ConfigurationError(f"schemas/kpi/{file.name} does not hold together: {error}") from error
    names = [definition.name for definition in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"schemas/kpi defines twice: {', '.join(twice)}")
    return tuple(found)


def current_definitions() -> dict[str, Definition]:
    """The newest version of each KPI by its id."""
    newest: dict[str, Definition] = {}
    for definition in load_definitions():
        if definition.kpi_id not in newest or newest[definition.kpi_id].version < definition.version:
            newest[definition.kpi_id] = definition
    return newest


def released_digests() -> dict[str, str]:
    """The digest of each published `id@version`."""
    return dict(yaml.safe_load(RELEASED.read_text(encoding="utf-8")) or {})
