-- Raw chunks older than a week are compressed, one asset to a segment; late events still go in.
-- Rollups stay as they are: late events update them for as long as raw rows are kept.

ALTER TABLE port.crane_sample SET (timescaledb.compress, timescaledb.compress_segmentby = 'crane_id', timescaledb.compress_orderby = 'time DESC');
ALTER TABLE port.crane_status SET (timescaledb.compress, timescaledb.compress_segmentby = 'crane_id', timescaledb.compress_orderby = 'time DESC');
ALTER TABLE port.crane_fault SET (timescaledb.compress, timescaledb.compress_segmentby = 'crane_id', timescaledb.compress_orderby = 'time DESC');
ALTER TABLE port.crane_job SET (timescaledb.compress, timescaledb.compress_segmentby = 'crane_id', timescaledb.compress_orderby = 'time DESC');
ALTER TABLE port.crane_assignment SET (timescaledb.compress, timescaledb.compress_segmentby = 'crane_id', timescaledb.compress_orderby = 'time DESC');
ALTER TABLE port.gate_step SET (timescaledb.compress, timescaledb.compress_segmentby = 'gate_id', timescaledb.compress_orderby = 'time DESC');
ALTER TABLE port.ocr_read SET (timescaledb.compress, timescaledb.compress_segmentby = 'gate_id', timescaledb.compress_orderby = 'time DESC');
ALTER TABLE port.cell_measurement SET (timescaledb.compress, timescaledb.compress_segmentby = 'cell_id', timescaledb.compress_orderby = 'time DESC');
ALTER TABLE port.radio_sample SET (timescaledb.compress, timescaledb.compress_segmentby = 'device_id', timescaledb.compress_orderby = 'time DESC');
ALTER TABLE port.cell_alarm_event SET (timescaledb.compress, timescaledb.compress_segmentby = 'cell_id', timescaledb.compress_orderby = 'time DESC');
ALTER TABLE port.cell_heartbeat SET (timescaledb.compress, timescaledb.compress_segmentby = 'cell_id', timescaledb.compress_orderby = 'time DESC');
ALTER TABLE port.cargo_milestone SET (timescaledb.compress, timescaledb.compress_segmentby = 'cargo_id', timescaledb.compress_orderby = 'time DESC');
ALTER TABLE port.vessel_milestone SET (timescaledb.compress, timescaledb.compress_segmentby = 'vessel_id', timescaledb.compress_orderby = 'time DESC');

SELECT add_compression_policy('port.crane_sample', INTERVAL '7 days');
SELECT add_compression_policy('port.crane_status', INTERVAL '7 days');
SELECT add_compression_policy('port.crane_fault', INTERVAL '7 days');
SELECT add_compression_policy('port.crane_job', INTERVAL '7 days');
SELECT add_compression_policy('port.crane_assignment', INTERVAL '7 days');
SELECT add_compression_policy('port.gate_step', INTERVAL '7 days');
SELECT add_compression_policy('port.ocr_read', INTERVAL '7 days');
SELECT add_compression_policy('port.cell_measurement', INTERVAL '7 days');
SELECT add_compression_policy('port.radio_sample', INTERVAL '7 days');
SELECT add_compression_policy('port.cell_alarm_event', INTERVAL '7 days');
SELECT add_compression_policy('port.cell_heartbeat', INTERVAL '7 days');
SELECT add_compression_policy('port.cargo_milestone', INTERVAL '7 days');
SELECT add_compression_policy('port.vessel_milestone', INTERVAL '7 days');
