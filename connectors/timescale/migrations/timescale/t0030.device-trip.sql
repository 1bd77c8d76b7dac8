-- Old trips are compressed like every raw table.

ALTER TABLE port.device_trip SET (timescaledb.compress, timescaledb.compress_segmentby = 'device_id', timescaledb.compress_orderby = 'time DESC');
SELECT add_compression_policy('port.device_trip', INTERVAL '7 days');
