-- The private 5G network: counters, radio readings, alarms, heartbeats, and their minutes and hours.

CREATE TABLE port.cell_measurement (
    time            timestamptz NOT NULL,
    cell_id         text NOT NULL,
    site            text NOT NULL,
    source          text NOT NULL,
    event_id        text NOT NULL,
    bootid          text,
    sequence        bigint,
    partition       smallint NOT NULL,
    record_offset   bigint NOT NULL,
    object          text NOT NULL,
    managed_element text,
    vendor          text,
    granularity_s   bigint NOT NULL,
    suspect         boolean,
    name            text NOT NULL,
    labels          jsonb NOT NULL,
    value           double precision,
    unit            text,
    value_si        double precision,
    unit_si         text,
    extra           jsonb
);
SELECT create_hypertable('port.cell_measurement', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX cell_measurement_cell_id_time ON port.cell_measurement (cell_id, time DESC);

CREATE TABLE port.radio_sample (
    time          timestamptz NOT NULL,
    device_id     text NOT NULL,
    site          text NOT NULL,
    source        text NOT NULL,
    event_id      text NOT NULL,
    bootid        text,
    sequence      bigint,
    partition     smallint NOT NULL,
    record_offset bigint NOT NULL,
    serving_cell  text,
    rsrp_dbm      double precision,
    rsrq_db       double precision,
    sinr_db       double precision,
    rssi_dbm      double precision,
    cqi           bigint,
    rtt_ms        double precision,
    loss_ratio    double precision,
    uplink_mbps   double precision,
    downlink_mbps double precision,
    handover      boolean,
    slice         text,
    five_qi       bigint,
    network_mode  text,
    extra         jsonb
);
SELECT create_hypertable('port.radio_sample', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX radio_sample_device_id_time ON port.radio_sample (device_id, time DESC);

CREATE TABLE port.cell_alarm_event (
    time             timestamptz NOT NULL,
    cell_id          text NOT NULL,
    site             text NOT NULL,
    source           text NOT NULL,
    event_id         text NOT NULL,
    bootid           text,
    sequence         bigint,
    partition        smallint NOT NULL,
    record_offset    bigint NOT NULL,
    alarm_id         text NOT NULL,
    condition        text NOT NULL,
    severity         text NOT NULL,
    interface        text,
    specific_problem text,
    probable_cause   text,
    extra            jsonb
);
SELECT create_hypertable('port.cell_alarm_event', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX cell_alarm_event_cell_id_time ON port.cell_alarm_event (cell_id, time DESC);

CREATE TABLE port.cell_heartbeat (
    time          timestamptz NOT NULL,
    cell_id       text NOT NULL,
    site          text NOT NULL,
    source        text NOT NULL,
    event_id      text NOT NULL,
    bootid        text,
    sequence      bigint,
    partition     smallint NOT NULL,
    record_offset bigint NOT NULL,
    interval_s    double precision NOT NULL,
    extra         jsonb
);
SELECT create_hypertable('port.cell_heartbeat', by_range('time', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX cell_heartbeat_cell_id_time ON port.cell_heartbeat (cell_id, time DESC);

CREATE TABLE port.cell_minute (
    bucket         timestamptz NOT NULL,
    cell_id        text NOT NULL,
    site           text NOT NULL,
    object         text NOT NULL,
    name           text NOT NULL,
    labels         jsonb NOT NULL,
    samples        bigint NOT NULL DEFAULT 0,
    value_si_sum   double precision NOT NULL DEFAULT 0,
    value_si_count bigint NOT NULL DEFAULT 0,
    value_si_min   double precision,
    value_si_max   double precision,
    suspect        bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
SELECT create_hypertable('port.cell_minute', by_range('bucket', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX cell_minute_key ON port.cell_minute (cell_id, object, name, labels, bucket);

CREATE TABLE port.cell_hour (LIKE port.cell_minute INCLUDING DEFAULTS) WITH (fillfactor = 70);
SELECT create_hypertable('port.cell_hour', by_range('bucket', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX cell_hour_key ON port.cell_hour (cell_id, object, name, labels, bucket);

CREATE TABLE port.radio_minute (
    bucket            timestamptz NOT NULL,
    device_id         text NOT NULL,
    site              text NOT NULL,
    samples           bigint NOT NULL DEFAULT 0,
    rsrp_dbm_min      double precision,
    rsrp_dbm_max      double precision,
    rsrp_dbm_sum      double precision NOT NULL DEFAULT 0,
    rsrp_dbm_count    bigint NOT NULL DEFAULT 0,
    sinr_db_min       double precision,
    sinr_db_max       double precision,
    sinr_db_sum       double precision NOT NULL DEFAULT 0,
    sinr_db_count     bigint NOT NULL DEFAULT 0,
    rtt_ms_min        double precision,
    rtt_ms_max        double precision,
    rtt_ms_sum        double precision NOT NULL DEFAULT 0,
    rtt_ms_count      bigint NOT NULL DEFAULT 0,
    loss_ratio_max    double precision,
    uplink_mbps_min   double precision,
    uplink_mbps_sum   double precision NOT NULL DEFAULT 0,
    uplink_mbps_count bigint NOT NULL DEFAULT 0,
    handovers         bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
SELECT create_hypertable('port.radio_minute', by_range('bucket', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX radio_minute_key ON port.radio_minute (device_id, bucket);

CREATE TABLE port.radio_hour (LIKE port.radio_minute INCLUDING DEFAULTS) WITH (fillfactor = 70);
SELECT create_hypertable('port.radio_hour', by_range('bucket', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX radio_hour_key ON port.radio_hour (device_id, bucket);
