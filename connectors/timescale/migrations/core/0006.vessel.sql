-- Port calls: milestones of one call.

CREATE TABLE port.vessel_milestone (
    time          timestamptz NOT NULL,
    vessel_id     text NOT NULL,
    site          text NOT NULL,
    source        text NOT NULL,
    event_id      text NOT NULL,
    bootid        text,
    sequence      bigint,
    partition     smallint NOT NULL,
    record_offset bigint NOT NULL,
    imo           text NOT NULL,
    call_id       text NOT NULL,
    milestone     text NOT NULL,
    classifier    text NOT NULL,
    berth         text,
    extra         jsonb
);
SELECT create_hypertable('port.vessel_milestone', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX vessel_milestone_vessel_id_time ON port.vessel_milestone (vessel_id, time DESC);
