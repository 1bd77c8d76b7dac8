-- What each role may do. The worker adds rows and moves counters, and alters nothing; the reader reads.
-- Columns classed personal (schemas/events) are granted to neither: those tables list their columns.

GRANT USAGE ON SCHEMA port, ingest TO quaystream_worker;
GRANT USAGE ON SCHEMA port, ingest, kpi, share TO quaystream_reader;

-- Raw tables: the worker inserts, and selects to recognise repeats.
GRANT INSERT ON
    port.crane_sample, port.crane_status, port.crane_fault, port.crane_job, port.crane_assignment,
    port.gate_step, port.ocr_read,
    port.cell_measurement, port.radio_sample, port.cell_alarm_event, port.cell_heartbeat,
    port.cargo_milestone, port.vessel_milestone
TO quaystream_worker;
GRANT SELECT ON
    port.crane_sample, port.crane_status, port.crane_fault, port.crane_job,
    port.cell_measurement, port.radio_sample, port.cell_alarm_event, port.cell_heartbeat,
    port.cargo_milestone, port.vessel_milestone
TO quaystream_worker, quaystream_reader;
GRANT SELECT (
    time, crane_id, site, source, event_id, bootid, sequence, partition, record_offset,
    call_id, state, delay_code, extra
) ON port.crane_assignment TO quaystream_worker, quaystream_reader;
GRANT SELECT (
    time, gate_id, site, source, event_id, bootid, sequence, partition, record_offset,
    visit_id, lane, direction, step, actor, manual, result, reason, equipment_reference, weight_kg, extra
) ON port.gate_step TO quaystream_worker, quaystream_reader;
GRANT SELECT (
    time, gate_id, site, source, event_id, bootid, sequence, partition, record_offset,
    visit_id, lane, kind, confidence, extra
) ON port.ocr_read TO quaystream_worker, quaystream_reader;

-- Rollups and reference data.
GRANT SELECT, INSERT, UPDATE ON
    port.crane_minute, port.crane_hour, port.gate_minute, port.gate_hour,
    port.cell_minute, port.cell_hour, port.radio_minute, port.radio_hour
TO quaystream_worker;
GRANT SELECT ON
    port.crane_minute, port.crane_hour, port.gate_minute, port.gate_hour,
    port.cell_minute, port.cell_hour, port.radio_minute, port.radio_hour
TO quaystream_reader;
GRANT SELECT, INSERT ON port.asset TO quaystream_worker;
GRANT SELECT ON port.site TO quaystream_worker;
GRANT SELECT ON port.site, port.asset TO quaystream_reader;

-- The ledger. The reader sees of a dead letter that it exists and why, never what was in it.
GRANT SELECT, INSERT, UPDATE ON
    ingest.partition_offset, ingest.lost_range, ingest.partition_pause, ingest.sequence_stream,
    ingest.sequence_gap, ingest.source_tally, ingest.setting
TO quaystream_worker;
GRANT DELETE ON ingest.sequence_gap TO quaystream_worker;
GRANT SELECT, INSERT, UPDATE (relayed_at, replayed_at) ON ingest.dead_letter TO quaystream_worker;
GRANT SELECT ON ingest.retired, ingest.raw_table TO quaystream_worker;
GRANT EXECUTE ON FUNCTION ingest.retire(text, timestamptz), ingest.forget(timestamptz, timestamptz) TO quaystream_worker;
GRANT SELECT ON
    ingest.partition_offset, ingest.lost_range, ingest.partition_pause, ingest.sequence_stream,
    ingest.sequence_gap, ingest.source_tally, ingest.setting, ingest.retired, ingest.raw_table
TO quaystream_reader;
GRANT SELECT (
    received_at, topic, partition, record_offset, reason, relayed_at, replayed_at,
    source, event_id, bootid, subject, type, sequence
) ON ingest.dead_letter TO quaystream_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA kpi GRANT SELECT ON TABLES TO quaystream_reader;
