-- The ledger: how far each partition is, what every record became, what never arrived.

CREATE TABLE ingest.partition_offset (
    consumer_group text NOT NULL,
    topic          text NOT NULL,
    partition      integer NOT NULL,
    first_offset   bigint NOT NULL,
    next_offset    bigint NOT NULL,
    epoch          bigint NOT NULL DEFAULT 0,
    owner          text,
    accepted       bigint NOT NULL DEFAULT 0,
    duplicate      bigint NOT NULL DEFAULT 0,
    rejected       bigint NOT NULL DEFAULT 0,
    missing        bigint NOT NULL DEFAULT 0,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer_group, topic, partition)
) WITH (fillfactor = 50);

-- Records the broker no longer had; to_offset is exclusive.
CREATE TABLE ingest.lost_range (
    consumer_group text NOT NULL,
    topic          text NOT NULL,
    partition      integer NOT NULL,
    from_offset    bigint NOT NULL,
    to_offset      bigint NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('retention', 'not_a_record', 'unknown')),
    noticed_at     timestamptz NOT NULL DEFAULT now(),
    CHECK (to_offset > from_offset)
);
CREATE INDEX lost_range_partition ON ingest.lost_range (topic, partition, from_offset);

CREATE TABLE ingest.partition_pause (
    consumer_group text NOT NULL,
    topic          text NOT NULL,
    partition      integer NOT NULL,
    paused_at      timestamptz NOT NULL DEFAULT now(),
    detail         text,
    resumed_at     timestamptz,
    PRIMARY KEY (consumer_group, topic, partition, paused_at)
);

-- payload is null where the record's value was null; headers is a list of [name, base64].
CREATE TABLE ingest.dead_letter (
    received_at   timestamptz NOT NULL DEFAULT now(),
    topic         text NOT NULL,
    partition     integer NOT NULL,
    record_offset bigint NOT NULL,
    reason        text NOT NULL,
    detail        text,
    key           bytea,
    headers       jsonb NOT NULL DEFAULT '[]',
    payload       bytea,
    relayed_at    timestamptz,
    replayed_at   timestamptz,
    source        text,
    event_id      text,
    bootid        text,
    subject       text,
    type          text,
    sequence      bigint
);
SELECT create_hypertable('ingest.dead_letter', by_range('received_at', INTERVAL '7 days'), create_default_indexes => false);
CREATE INDEX dead_letter_record ON ingest.dead_letter (topic, partition, record_offset);
CREATE INDEX dead_letter_unrelayed ON ingest.dead_letter (received_at) WHERE relayed_at IS NULL;

-- The accepted numbers of one (source, bootid, subject, type): from, to, from, to, …, both ends included, sorted.
CREATE TABLE ingest.sequence_stream (
    stream_id    uuid PRIMARY KEY,
    source       text NOT NULL,
    bootid       text NOT NULL,
    subject      text NOT NULL,
    type         text NOT NULL,
    intervals    bigint[] NOT NULL,
    pruned_below bigint NOT NULL DEFAULT 0,
    version      bigint NOT NULL,
    updated_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

CREATE TABLE ingest.sequence_gap (
    stream_id     uuid NOT NULL,
    source        text NOT NULL,
    bootid        text NOT NULL,
    subject       text NOT NULL,
    type          text NOT NULL,
    from_sequence bigint NOT NULL,
    to_sequence   bigint NOT NULL,
    noticed_at    timestamptz NOT NULL DEFAULT now(),
    filled_at     timestamptz,
    PRIMARY KEY (stream_id, from_sequence, noticed_at)
);
CREATE INDEX sequence_gap_open ON ingest.sequence_gap (stream_id, from_sequence) WHERE filled_at IS NULL;

CREATE TABLE ingest.source_tally (
    source    text NOT NULL,
    domain    text NOT NULL,
    accepted  bigint NOT NULL DEFAULT 0,
    duplicate bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (source, domain)
) WITH (fillfactor = 50);

-- What retention removed, one row per chunk or sweep; records is [{topic, partition, records}].
CREATE TABLE ingest.retired (
    table_name text NOT NULL,
    from_time  timestamptz NOT NULL,
    to_time    timestamptz NOT NULL,
    rows       bigint NOT NULL,
    records    jsonb NOT NULL DEFAULT '[]',
    retired_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX retired_table_name ON ingest.retired (table_name, to_time);

CREATE TABLE ingest.setting (
    name       text PRIMARY KEY,
    value      jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Which topic feeds which raw table: retention keeps its counts per topic.
CREATE TABLE ingest.raw_table (
    table_name text PRIMARY KEY,
    topic      text NOT NULL
);
INSERT INTO ingest.raw_table (table_name, topic) VALUES
    ('port.crane_sample', 'crane-events'),
    ('port.crane_status', 'crane-events'),
    ('port.crane_fault', 'crane-events'),
    ('port.crane_job', 'crane-events'),
    ('port.crane_assignment', 'crane-events'),
    ('port.gate_step', 'gate-events'),
    ('port.ocr_read', 'gate-events'),
    ('port.cell_measurement', 'cell-events'),
    ('port.radio_sample', 'cell-events'),
    ('port.cell_alarm_event', 'cell-events'),
    ('port.cell_heartbeat', 'cell-events'),
    ('port.cargo_milestone', 'cargo-events'),
    ('port.vessel_milestone', 'vessel-events');
