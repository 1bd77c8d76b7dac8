-- Facts: finished things, rebuilt from raw rows whenever those change (schemas/facts.py). Plain tables: a busy crane
-- makes thirty an hour. `revision` counts restatements, `recorded_at` is when this revision was written.
-- Only the primary keys begin with the site: while the planner knows nothing of a young table, no other index that
-- begins so may tempt it.

CREATE TABLE port.crane_cycle (
    cycle_id    text NOT NULL,
    crane_id    text NOT NULL,
    site        text NOT NULL,
    started_at  timestamptz NOT NULL,
    locked_at   timestamptz NOT NULL,
    ended_at    timestamptz NOT NULL,
    boxes       bigint NOT NULL,
    teu         double precision,
    mode        text,
    laden_s     double precision NOT NULL,
    unladen_s   double precision NOT NULL,
    wait_s      double precision NOT NULL,
    hoist_s     double precision NOT NULL,
    trolley_s   double precision NOT NULL,
    lower_s     double precision NOT NULL,
    load_t_max  double precision,
    energy_kwh  double precision,
    job_id      text,
    call_id     text,
    move_kind   text,
    outcome     text NOT NULL,
    state       jsonb NOT NULL,
    revision    bigint NOT NULL DEFAULT 1,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, cycle_id)
);
CREATE INDEX crane_cycle_crane_id_ended_at ON port.crane_cycle (crane_id, ended_at);
CREATE INDEX crane_cycle_ended_at ON port.crane_cycle (ended_at, site);
CREATE INDEX crane_cycle_call_id ON port.crane_cycle (call_id, site);

CREATE TABLE port.gate_visit (
    visit_id             text NOT NULL,
    site                 text NOT NULL,
    gate_in              text,
    gate_out             text,
    lane_in              text,
    lane_out             text,
    queued_at            timestamptz,
    entered_at           timestamptz,
    left_at              timestamptz,
    touch_points         bigint NOT NULL,
    manual_touch_points  bigint NOT NULL,
    wait_s_by_actor      jsonb NOT NULL,
    transaction_s        double precision,
    transaction_out_s    double precision,
    inside_s             double precision,
    turn_time_s          double precision,
    total_turn_time_s    double precision,
    ocr_first_pass       boolean,
    ocr_reads            bigint NOT NULL,
    ocr_corrected        bigint NOT NULL,
    container_reads      bigint NOT NULL,
    check_digit_failures bigint NOT NULL,
    equipment_reference  text,
    corrected_by         text,
    exceptions           bigint NOT NULL,
    exception_reasons    jsonb,
    holds                bigint NOT NULL,
    appointment_ok       boolean,
    first_at             timestamptz NOT NULL,
    last_at              timestamptz NOT NULL,
    outcome              text NOT NULL,
    revision             bigint NOT NULL DEFAULT 1,
    recorded_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, visit_id)
);
CREATE INDEX gate_visit_entered_at ON port.gate_visit (entered_at, site);
CREATE INDEX gate_visit_left_at ON port.gate_visit (left_at, site);
CREATE INDEX gate_visit_open ON port.gate_visit (last_at) WHERE outcome = 'open';

CREATE TABLE port.cargo_visit (
    cargo_visit_id      text NOT NULL,
    equipment_reference text NOT NULL,
    site                text NOT NULL,
    call_id             text,
    cargo_class         text NOT NULL,
    flow                text NOT NULL,
    discharged_at       timestamptz,
    stacked_at          timestamptz,
    cleared_at          timestamptz,
    released_at         timestamptz,
    gated_in_at         timestamptz,
    gated_out_at        timestamptz,
    loaded_at           timestamptz,
    dwell_s             double precision,
    wait_s_by_agency    jsonb NOT NULL,
    agency_wait_s       double precision NOT NULL,
    first_at            timestamptz NOT NULL,
    last_at             timestamptz NOT NULL,
    outcome             text NOT NULL,
    revision            bigint NOT NULL DEFAULT 1,
    recorded_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, cargo_visit_id)
);
CREATE INDEX cargo_visit_equipment_reference ON port.cargo_visit (equipment_reference, site);
CREATE INDEX cargo_visit_first_at ON port.cargo_visit (first_at, site);
CREATE INDEX cargo_visit_released_at ON port.cargo_visit (released_at, site);
CREATE INDEX cargo_visit_gated_out_at ON port.cargo_visit (gated_out_at, site);
CREATE INDEX cargo_visit_open ON port.cargo_visit (last_at) WHERE outcome = 'open';

CREATE TABLE port.vessel_call (
    call_id            text NOT NULL,
    imo                text NOT NULL,
    site               text NOT NULL,
    berth              text,
    pilot_station_at   timestamptz,
    anchored_at        timestamptz,
    first_line_at      timestamptz,
    berthed_at         timestamptz,
    cargo_started_at   timestamptz,
    cargo_completed_at timestamptz,
    last_line_at       timestamptz,
    departed_at        timestamptz,
    sailed_at          timestamptz,
    wait_s             double precision,
    berth_s            double precision,
    cargo_s            double precision,
    turnaround_s       double precision,
    port_s             double precision,
    expected           jsonb NOT NULL,
    first_at           timestamptz NOT NULL,
    last_at            timestamptz NOT NULL,
    outcome            text NOT NULL,
    revision           bigint NOT NULL DEFAULT 1,
    recorded_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, call_id)
);
CREATE INDEX vessel_call_first_at ON port.vessel_call (first_at, site);
CREATE INDEX vessel_call_berthed_at ON port.vessel_call (berthed_at, site);
CREATE INDEX vessel_call_open ON port.vessel_call (last_at) WHERE outcome = 'open';

-- Every change of a fact that had been finished: what it said, what it says (null: withdrawn), and why.
CREATE TABLE kpi.restatement (
    kind            text NOT NULL,
    site            text NOT NULL,
    key             text NOT NULL,
    old             jsonb NOT NULL,
    new             jsonb,
    old_recorded_at timestamptz NOT NULL,
    revision        bigint NOT NULL,
    changed_at      timestamptz NOT NULL DEFAULT now(),
    reason          text NOT NULL CHECK (reason IN ('late', 'replayed', 'withdrawn', 'definition')),
    PRIMARY KEY (kind, site, key, revision)
);
CREATE INDEX restatement_changed_at ON kpi.restatement (changed_at);
COMMENT ON COLUMN kpi.restatement.old IS 'the fact as it stood from old_recorded_at until changed_at';
COMMENT ON COLUMN kpi.restatement.revision IS 'the revision that `new` got, or of a withdrawn fact the one it would have got';
