-- Boxes: where a container is and who released it.

CREATE TABLE port.cargo_milestone (
    time                timestamptz NOT NULL,
    cargo_id            text NOT NULL,
    site                text NOT NULL,
    source              text NOT NULL,
    event_id            text NOT NULL,
    bootid              text,
    sequence            bigint,
    partition           smallint NOT NULL,
    record_offset       bigint NOT NULL,
    equipment_reference text NOT NULL,
    milestone           text NOT NULL,
    agency              text,
    status              text,
    call_id             text,
    iso_equipment_code  text,
    empty               boolean,
    extra               jsonb
);
SELECT create_hypertable('port.cargo_milestone', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX cargo_milestone_cargo_id_time ON port.cargo_milestone (cargo_id, time DESC);
