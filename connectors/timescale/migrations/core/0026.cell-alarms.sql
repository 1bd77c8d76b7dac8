-- Alarms of cells as facts (schemas/facts.py), and what time alone will change: a cell that stays silent sends nothing
-- that could mark it.

CREATE TABLE port.cell_alarm (
    cell_alarm_id    text NOT NULL,
    alarm_key        text NOT NULL,
    cell_id          text NOT NULL,
    site             text NOT NULL,
    origin           text NOT NULL CHECK (origin IN ('network', 'heartbeat')),
    source           text NOT NULL,
    condition        text NOT NULL,
    interface        text,
    specific_problem text,
    probable_cause   text,
    raised_at        timestamptz,
    last_raised_at   timestamptz,
    cleared_at       timestamptz,
    severity         text,
    last_severity    text,
    duration_s       double precision,
    active_s         double precision NOT NULL,
    changes          bigint NOT NULL,
    flaps            bigint NOT NULL,
    first_at         timestamptz NOT NULL,
    last_at          timestamptz NOT NULL,
    outcome          text NOT NULL,
    revision         bigint NOT NULL DEFAULT 1,
    recorded_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, cell_alarm_id)
);
COMMENT ON COLUMN port.cell_alarm.alarm_key IS 'the same for all alarms of one cell, origin, source, condition, interface and specific problem';
CREATE INDEX cell_alarm_alarm_key_first_at ON port.cell_alarm (cell_id, alarm_key, first_at);
CREATE INDEX cell_alarm_cell_id_last_at ON port.cell_alarm (cell_id, last_at);
CREATE INDEX cell_alarm_first_at ON port.cell_alarm (first_at, site);
CREATE INDEX cell_alarm_open ON port.cell_alarm (last_at) WHERE outcome = 'open';

-- Parts of keys that are to be folded again when their site's clock has passed `due_at`. Written by who folds the key.
CREATE TABLE ingest.refold_due (
    kind   text NOT NULL,
    key    text NOT NULL,
    part   text NOT NULL,
    site   text NOT NULL,
    since  timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (kind, key, part)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

CREATE FUNCTION kpi.cell_alarm_as_known(at timestamptz) RETURNS SETOF port.cell_alarm
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT fact.* FROM port.cell_alarm AS fact WHERE fact.recorded_at <= at
    UNION ALL
    SELECT old.* FROM kpi.restatement AS r, jsonb_populate_record(NULL::port.cell_alarm, r.old) AS old
    WHERE r.kind = 'cell_alarm' AND r.old_recorded_at <= at AND r.changed_at > at
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON port.cell_alarm, ingest.refold_due TO quaystream_worker;
GRANT SELECT ON port.cell_alarm, ingest.refold_due TO quaystream_reader;
REVOKE ALL ON FUNCTION kpi.cell_alarm_as_known(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpi.cell_alarm_as_known(timestamptz) TO quaystream_reader;
