-- Trips of connected devices, such as the vehicles of a factory: told when they have ended.

CREATE TABLE port.device_trip (
    time          timestamptz NOT NULL,
    device_id     text NOT NULL,
    site          text NOT NULL,
    source        text NOT NULL,
    event_id      text NOT NULL,
    bootid        text,
    sequence      bigint,
    partition     smallint NOT NULL,
    record_offset bigint NOT NULL,
    trip_id       text NOT NULL,
    duration_s    double precision NOT NULL,
    kind          text,
    laden         boolean,
    waited_s      double precision,
    completed     boolean,
    extra         jsonb
);
SELECT create_hypertable('port.device_trip', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX device_trip_device_id_time ON port.device_trip (device_id, time DESC);
INSERT INTO ingest.raw_table (table_name, topic) VALUES ('port.device_trip', 'cell-events');
GRANT INSERT ON port.device_trip TO quaystream_worker;
GRANT SELECT ON port.device_trip TO quaystream_worker, quaystream_reader;
