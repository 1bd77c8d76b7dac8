-- The days as continuous aggregates instead of plain views: same names, same columns, same answers, kept as rows.
-- Bucketed in UTC only: a time-zone bucket may keep stale rows after late events.

DROP VIEW port.crane_day;
CREATE MATERIALIZED VIEW port.crane_day WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT
    time_bucket(INTERVAL '1 day', bucket) AS bucket,
    crane_id,
    site,
    sum(samples)::bigint AS samples,
    max(load_t_max) AS load_t_max,
    sum(load_t_sum) AS load_t_sum,
    sum(load_t_count)::bigint AS load_t_count,
    max(wind_mps_max) AS wind_mps_max,
    sum(power_kw_sum) AS power_kw_sum,
    sum(power_kw_count)::bigint AS power_kw_count,
    max(hoist_speed_mps_max) AS hoist_speed_mps_max,
    max(trolley_speed_mps_max) AS trolley_speed_mps_max,
    min(energy_total_kwh_min) AS energy_total_kwh_min,
    max(energy_total_kwh_max) AS energy_total_kwh_max,
    min(moves_total_min) AS moves_total_min,
    max(moves_total_max) AS moves_total_max
FROM port.crane_hour
GROUP BY 1, 2, 3
WITH NO DATA;
SELECT add_continuous_aggregate_policy('port.crane_day', start_offset => NULL, end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '1 hour');

DROP VIEW port.gate_day;
CREATE MATERIALIZED VIEW port.gate_day WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT
    time_bucket(INTERVAL '1 day', bucket) AS bucket,
    gate_id,
    site,
    lane,
    sum(steps)::bigint AS steps,
    sum(manual_steps)::bigint AS manual_steps,
    sum(visits_in)::bigint AS visits_in,
    sum(visits_out)::bigint AS visits_out,
    sum(exceptions)::bigint AS exceptions,
    sum(ocr_reads)::bigint AS ocr_reads,
    sum(ocr_corrected)::bigint AS ocr_corrected
FROM port.gate_hour
GROUP BY 1, 2, 3, 4
WITH NO DATA;
SELECT add_continuous_aggregate_policy('port.gate_day', start_offset => NULL, end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '1 hour');

DROP VIEW port.cell_day;
CREATE MATERIALIZED VIEW port.cell_day WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT
    time_bucket(INTERVAL '1 day', bucket) AS bucket,
    cell_id,
    site,
    object,
    name,
    labels,
    sum(samples)::bigint AS samples,
    sum(value_si_sum) AS value_si_sum,
    sum(value_si_count)::bigint AS value_si_count,
    min(value_si_min) AS value_si_min,
    max(value_si_max) AS value_si_max,
    sum(suspect)::bigint AS suspect
FROM port.cell_hour
GROUP BY 1, 2, 3, 4, 5, 6
WITH NO DATA;
SELECT add_continuous_aggregate_policy('port.cell_day', start_offset => NULL, end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '1 hour');

DROP VIEW port.radio_day;
CREATE MATERIALIZED VIEW port.radio_day WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT
    time_bucket(INTERVAL '1 day', bucket) AS bucket,
    device_id,
    site,
    sum(samples)::bigint AS samples,
    min(rsrp_dbm_min) AS rsrp_dbm_min,
    max(rsrp_dbm_max) AS rsrp_dbm_max,
    sum(rsrp_dbm_sum) AS rsrp_dbm_sum,
    sum(rsrp_dbm_count)::bigint AS rsrp_dbm_count,
    min(sinr_db_min) AS sinr_db_min,
    max(sinr_db_max) AS sinr_db_max,
    sum(sinr_db_sum) AS sinr_db_sum,
    sum(sinr_db_count)::bigint AS sinr_db_count,
    min(rtt_ms_min) AS rtt_ms_min,
    max(rtt_ms_max) AS rtt_ms_max,
    sum(rtt_ms_sum) AS rtt_ms_sum,
    sum(rtt_ms_count)::bigint AS rtt_ms_count,
    max(loss_ratio_max) AS loss_ratio_max,
    min(uplink_mbps_min) AS uplink_mbps_min,
    sum(uplink_mbps_sum) AS uplink_mbps_sum,
    sum(uplink_mbps_count)::bigint AS uplink_mbps_count,
    sum(handovers)::bigint AS handovers
FROM port.radio_hour
GROUP BY 1, 2, 3
WITH NO DATA;
SELECT add_continuous_aggregate_policy('port.radio_day', start_offset => NULL, end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '1 hour');

GRANT SELECT ON port.crane_day, port.gate_day, port.cell_day, port.radio_day TO quaystream_reader;
