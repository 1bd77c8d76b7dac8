"""The fact tables of schema `port`, as data: one row per finished thing, rebuilt from raw rows whenever they change.

Folds build facts with these columns, the store writes them, the migration test compares them. Every table
has two columns more, kept by the store: `revision` (1, 2, …) and `recorded_at` (when that revision was written).
"""

from dataclasses import dataclass
from typing import Literal

from schemas.tables import Column

# The closed list of each `outcome`; what each means is said where it is decided (streams/facts).
GateOutcome = Literal["open", "complete", "incomplete", "no_gate_in", "clock_skew"]
CargoOutcome = Literal["open", "complete", "incomplete", "no_arrival", "gated_out_unreleased"]
VesselOutcome = Literal["open", "complete", "incomplete", "no_arrival", "never_arrived", "clock_skew"]
CellAlarmOutcome = Literal["open", "cleared", "never_cleared", "no_raise"]
CorrectedBy = Literal["person", "repair"]
CargoFlow = Literal["import", "export", "transhipment", "landside", "restow"]
CargoClass = Literal["import", "export", "transhipment", "landside", "restow", "empty", "reefer"]


@dataclass(frozen=True, slots=True)
class FactTable:
    """`kind` names it in `ingest.refold`; `key` identifies a fact; `at` places it in time; the rest are values."""

    kind: str
    name: str
    key: str
    at: str
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


CraneCycleOutcome = Literal["counted", "gap", "suspended", "hatch", "invalid", "aborted", "adjustment"]
"""What a row of `port.crane_cycle` is; the first that applies, from the end of the list to its start.

`counted`: a whole cycle. `gap`: counted, but its times are not to be trusted (an edge was missing, more than 60 s
without a sample, or its start is not known). `suspended`: counted, the crane was off for a part of it.
`hatch`: a hatch cover, a lift of 0 boxes. `invalid`: unlocked in the air, a cycle of 0 boxes.
`aborted` (unlocked where it locked, nothing lifted) and `adjustment` (set down within 1 m of where it was taken)
are no cycles: they lie inside one that goes on, start where they locked, and have 0 boxes. Sums over time leave them out.
"""

CRANE_CYCLE = FactTable(
    "crane_cycle",
    "port.crane_cycle",
    "cycle_id",
    "ended_at",
    (
        Column("cycle_id", "text", required=True),
        Column("crane_id", "text", required=True),
        Column("site", "text", required=True),
        Column("started_at", "time", required=True),
        Column("locked_at", "time", required=True),
        Column("ended_at", "time", required=True),
        Column("boxes", "int", required=True),
        Column("teu", "float"),
        Column("mode", "text"),
        Column("laden_s", "float", required=True),
        Column("unladen_s", "float", required=True),
        Column("wait_s", "float", required=True),
        Column("hoist_s", "float", required=True),
        Column("trolley_s", "float", required=True),
        Column("lower_s", "float", required=True),
        Column("load_t_max", "float"),
        Column("energy_kwh", "float"),
        Column("job_id", "text"),
        Column("call_id", "text"),
        Column("move_kind", "text"),
        Column("outcome", "text", required=True),
        Column("state", "jsonb", required=True),
    ),
)
GATE_VISIT = FactTable(
    "gate_visit",
    "port.gate_visit",
    "visit_id",
    "first_at",
    (
        Column("visit_id", "text", required=True),
        Column("site", "text", required=True),
        Column("gate_in", "text"),
        Column("gate_out", "text"),
        Column("lane_in", "text"),
        Column("lane_out", "text"),
        Column("queued_at", "time"),
        Column("entered_at", "time"),
        Column("left_at", "time"),
        Column("touch_points", "int", required=True),
        Column("manual_touch_points", "int", required=True),
        Column("wait_s_by_actor", "jsonb", required=True),
        Column("transaction_s", "float"),
        Column("transaction_out_s", "float"),
        Column("inside_s", "float"),
        Column("turn_time_s", "float"),
        Column("total_turn_time_s", "float"),
        Column("ocr_first_pass", "bool"),
        Column("ocr_reads", "int", required=True),
        Column("ocr_corrected", "int", required=True),
        Column("container_reads", "int", required=True),
        Column("check_digit_failures", "int", required=True),
        Column("equipment_reference", "text"),
        Column("corrected_by", "text"),
        Column("exceptions", "int", required=True),
        Column("exception_reasons", "jsonb"),
        Column("holds", "int", required=True),
        Column("appointment_ok", "bool"),
        Column("first_at", "time", required=True),
        Column("last_at", "time", required=True),
        Column("outcome", "text", required=True),
    ),
)
CARGO_VISIT = FactTable(
    "cargo_visit",
    "port.cargo_visit",
    "cargo_visit_id",
    "first_at",
    (
        Column("cargo_visit_id", "text", required=True),
        Column("equipment_reference", "text", required=True),
        Column("site", "text", required=True),
        Column("call_id", "text"),
        Column("cargo_class", "text", required=True),
        Column("flow", "text", required=True),
        Column("discharged_at", "time"),
        Column("stacked_at", "time"),
        Column("cleared_at", "time"),
        Column("released_at", "time"),
        Column("gated_in_at", "time"),
        Column("gated_out_at", "time"),
        Column("loaded_at", "time"),
        Column("dwell_s", "float"),
        Column("wait_s_by_agency", "jsonb", required=True),
        Column("agency_wait_s", "float", required=True),
        Column("first_at", "time", required=True),
        Column("last_at", "time", required=True),
        Column("outcome", "text", required=True),
    ),
)
VESSEL_CALL = FactTable(
    "vessel_call",
    "port.vessel_call",
    "call_id",
    "first_at",
    (
        Column("call_id", "text", required=True),
        Column("imo", "text", required=True),
        Column("site", "text", required=True),
        Column("berth", "text"),
        Column("pilot_station_at", "time"),
        Column("anchored_at", "time"),
        Column("first_line_at", "time"),
        Column("berthed_at", "time"),
        Column("cargo_started_at", "time"),
        Column("cargo_completed_at", "time"),
        Column("last_line_at", "time"),
        Column("departed_at", "time"),
        Column("sailed_at", "time"),
        Column("wait_s", "float"),
        Column("berth_s", "float"),
        Column("cargo_s", "float"),
        Column("turnaround_s", "float"),
        Column("port_s", "float"),
        Column("expected", "jsonb", required=True),
        Column("first_at", "time", required=True),
        Column("last_at", "time", required=True),
        Column("outcome", "text", required=True),
    ),
)
CELL_ALARM = FactTable(
    "cell_alarm",
    "port.cell_alarm",
    "cell_alarm_id",
    "first_at",
    (
        Column("cell_alarm_id", "text", required=True),
        Column("alarm_key", "text", required=True),
        Column("cell_id", "text", required=True),
        Column("site", "text", required=True),
        Column("origin", "text", required=True),
        Column("source", "text", required=True),
        Column("condition", "text", required=True),
        Column("interface", "text"),
        Column("specific_problem", "text"),
        Column("probable_cause", "text"),
        Column("raised_at", "time"),
        Column("last_raised_at", "time"),
        Column("cleared_at", "time"),
        Column("severity", "text"),
        Column("last_severity", "text"),
        Column("duration_s", "float"),
        Column("active_s", "float", required=True),
        Column("changes", "int", required=True),
        Column("flaps", "int", required=True),
        Column("first_at", "time", required=True),
        Column("last_at", "time", required=True),
        Column("outcome", "text", required=True),
    ),
)

RADIO_LOSS = FactTable(
    "radio_loss",
    "kpi.radio_loss",
    "cycle_id",
    "ended_at",
    (
        Column("cycle_id", "text", required=True),
        Column("asset_id", "text", required=True),
        Column("site", "text", required=True),
        Column("day", "time", required=True),
        Column("started_at", "time", required=True),
        Column("ended_at", "time", required=True),
        Column("worked_s", "float", required=True),
        Column("known_s", "float", required=True),
        Column("exposed_s", "float", required=True),
        Column("baseline_s", "float"),
        Column("spread_s", "float"),
        Column("matches", "int"),
        Column("matched_by", "text"),
        Column("how", "text"),
        Column("lost_s", "float", required=True),
        Column("moves_lost", "float", required=True),
        Column("cells", "jsonb", required=True),
        Column("definition", "text", required=True),
        Column("outcome", "text", required=True),
    ),
)
RADIO_ATTRIBUTION = FactTable(
    "radio_attribution",
    "kpi.radio_attribution",
    "day_id",
    "day",
    (
        Column("day_id", "text", required=True),
        Column("asset_id", "text", required=True),
        Column("site", "text", required=True),
        Column("day", "time", required=True),
        Column("cycles", "int", required=True),
        Column("exposed", "int", required=True),
        Column("attributed", "int", required=True),
        Column("unmatched", "int", required=True),
        Column("unknown", "int", required=True),
        Column("bad_s", "float", required=True),
        Column("lost_s", "float", required=True),
        Column("moves_lost", "float", required=True),
        Column("moves_low", "float", required=True),
        Column("moves_high", "float", required=True),
        Column("cells", "jsonb", required=True),
        Column("definition", "text", required=True),
        Column("completeness", "float"),
        Column("outcome", "text", required=True),
        Column("state", "jsonb", required=True),
    ),
)

DERIVED_TABLES: tuple[FactTable, ...] = (RADIO_LOSS, RADIO_ATTRIBUTION)
"""Made of facts and raw rows together, by a chore or a command and not by marks."""

FACT_TABLES: tuple[FactTable, ...] = (CRANE_CYCLE, GATE_VISIT, CARGO_VISIT, VESSEL_CALL, CELL_ALARM)
FACT_BY_KIND: dict[str, FactTable] = {table.kind: table for table in FACT_TABLES}
