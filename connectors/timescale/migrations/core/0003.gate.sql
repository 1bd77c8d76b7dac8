-- Truck gates: the steps of a visit, what the cameras read, and one lane's minute and hour.

CREATE TABLE port.gate_step (
    time                timestamptz NOT NULL,
    gate_id             text NOT NULL,
    site                text NOT NULL,
    source              text NOT NULL,
    event_id            text NOT NULL,
    bootid              text,
    sequence            bigint,
    partition           smallint NOT NULL,
    record_offset       bigint NOT NULL,
    visit_id            text NOT NULL,
    lane                text NOT NULL,
    direction           text NOT NULL,
    step                text NOT NULL,
    actor               text NOT NULL,
    manual              boolean NOT NULL,
    result              text,
    reason              text,
    equipment_reference text,
    truck_plate         text,
    weight_kg           double precision,
    extra               jsonb
);
SELECT create_hypertable('port.gate_step', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX gate_step_gate_id_time ON port.gate_step (gate_id, time DESC);

CREATE TABLE port.ocr_read (
    time            timestamptz NOT NULL,
    gate_id         text NOT NULL,
    site            text NOT NULL,
    source          text NOT NULL,
    event_id        text NOT NULL,
    bootid          text,
    sequence        bigint,
    partition       smallint NOT NULL,
    record_offset   bigint NOT NULL,
    visit_id        text NOT NULL,
    lane            text NOT NULL,
    kind            text NOT NULL,
    value           text NOT NULL,
    confidence      double precision NOT NULL,
    corrected_value text,
    extra           jsonb
);
SELECT create_hypertable('port.ocr_read', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX ocr_read_gate_id_time ON port.ocr_read (gate_id, time DESC);

CREATE TABLE port.gate_minute (
    bucket        timestamptz NOT NULL,
    gate_id       text NOT NULL,
    site          text NOT NULL,
    lane          text NOT NULL,
    steps         bigint NOT NULL DEFAULT 0,
    manual_steps  bigint NOT NULL DEFAULT 0,
    visits_in     bigint NOT NULL DEFAULT 0,
    visits_out    bigint NOT NULL DEFAULT 0,
    exceptions    bigint NOT NULL DEFAULT 0,
    ocr_reads     bigint NOT NULL DEFAULT 0,
    ocr_corrected bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
SELECT create_hypertable('port.gate_minute', by_range('bucket', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX gate_minute_key ON port.gate_minute (gate_id, lane, bucket);

CREATE TABLE port.gate_hour (LIKE port.gate_minute INCLUDING DEFAULTS) WITH (fillfactor = 70);
SELECT create_hypertable('port.gate_hour', by_range('bucket', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX gate_hour_key ON port.gate_hour (gate_id, lane, bucket);
