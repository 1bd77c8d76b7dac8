-- Cranes: what they reported, as it arrived, and what one crane did in one minute and one hour.

CREATE TABLE port.crane_sample (
    time               timestamptz NOT NULL,
    crane_id           text NOT NULL,
    site               text NOT NULL,
    source             text NOT NULL,
    event_id           text NOT NULL,
    bootid             text,
    sequence           bigint,
    partition          smallint NOT NULL,
    record_offset      bigint NOT NULL,
    hoist_position_m   double precision,
    hoist_speed_mps    double precision,
    trolley_position_m double precision,
    trolley_speed_mps  double precision,
    gantry_position_m  double precision,
    gantry_speed_mps   double precision,
    load_t             double precision,
    spreader_locked    boolean,
    spreader_landed    boolean,
    spreader_mode      text,
    spreader_length_ft bigint,
    wind_mps           double precision,
    power_kw           double precision,
    energy_total_kwh   double precision,
    moves_total        bigint,
    extra              jsonb
);
SELECT create_hypertable('port.crane_sample', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX crane_sample_crane_id_time ON port.crane_sample (crane_id, time DESC);

CREATE TABLE port.crane_status (
    time          timestamptz NOT NULL,
    crane_id      text NOT NULL,
    site          text NOT NULL,
    source        text NOT NULL,
    event_id      text NOT NULL,
    bootid        text,
    sequence      bigint,
    partition     smallint NOT NULL,
    record_offset bigint NOT NULL,
    status        text NOT NULL,
    reason        text,
    extra         jsonb
);
SELECT create_hypertable('port.crane_status', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX crane_status_crane_id_time ON port.crane_status (crane_id, time DESC);

CREATE TABLE port.crane_fault (
    time          timestamptz NOT NULL,
    crane_id      text NOT NULL,
    site          text NOT NULL,
    source        text NOT NULL,
    event_id      text NOT NULL,
    bootid        text,
    sequence      bigint,
    partition     smallint NOT NULL,
    record_offset bigint NOT NULL,
    code          text NOT NULL,
    severity      text NOT NULL,
    active        boolean NOT NULL,
    stops_work    boolean,
    description   text,
    extra         jsonb
);
SELECT create_hypertable('port.crane_fault', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX crane_fault_crane_id_time ON port.crane_fault (crane_id, time DESC);

CREATE TABLE port.crane_job (
    time                timestamptz NOT NULL,
    crane_id            text NOT NULL,
    site                text NOT NULL,
    source              text NOT NULL,
    event_id            text NOT NULL,
    bootid              text,
    sequence            bigint,
    partition           smallint NOT NULL,
    record_offset       bigint NOT NULL,
    job_id              text NOT NULL,
    step                text NOT NULL,
    move_kind           text,
    equipment_reference text,
    boxes               bigint,
    call_id             text,
    extra               jsonb
);
SELECT create_hypertable('port.crane_job', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX crane_job_crane_id_time ON port.crane_job (crane_id, time DESC);

CREATE TABLE port.crane_assignment (
    time          timestamptz NOT NULL,
    crane_id      text NOT NULL,
    site          text NOT NULL,
    source        text NOT NULL,
    event_id      text NOT NULL,
    bootid        text,
    sequence      bigint,
    partition     smallint NOT NULL,
    record_offset bigint NOT NULL,
    call_id       text NOT NULL,
    state         text NOT NULL,
    delay_code    text,
    operator_ref  text,
    extra         jsonb
);
SELECT create_hypertable('port.crane_assignment', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX crane_assignment_crane_id_time ON port.crane_assignment (crane_id, time DESC);

CREATE TABLE port.crane_minute (
    bucket                timestamptz NOT NULL,
    crane_id              text NOT NULL,
    site                  text NOT NULL,
    samples               bigint NOT NULL DEFAULT 0,
    load_t_max            double precision,
    load_t_sum            double precision NOT NULL DEFAULT 0,
    load_t_count          bigint NOT NULL DEFAULT 0,
    wind_mps_max          double precision,
    power_kw_sum          double precision NOT NULL DEFAULT 0,
    power_kw_count        bigint NOT NULL DEFAULT 0,
    hoist_speed_mps_max   double precision,
    trolley_speed_mps_max double precision,
    energy_total_kwh_min  double precision,
    energy_total_kwh_max  double precision,
    moves_total_min       bigint,
    moves_total_max       bigint
) WITH (fillfactor = 70);
SELECT create_hypertable('port.crane_minute', by_range('bucket', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX crane_minute_key ON port.crane_minute (crane_id, bucket);

CREATE TABLE port.crane_hour (LIKE port.crane_minute INCLUDING DEFAULTS) WITH (fillfactor = 70);
SELECT create_hypertable('port.crane_hour', by_range('bucket', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX crane_hour_key ON port.crane_hour (crane_id, bucket);
