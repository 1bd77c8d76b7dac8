"""Every statement of the board. Rollups and facts by their time indexes; of raw tables only the last row of each crane.

`$1` is where to look back to. A quick look goes back minutes, a thorough one a month: what a gateway sends late
is on the board within a minute. The test of the plans holds that no statement scans.
"""

from typing import Final

SITES: Final = "SELECT site_id, name, extract(epoch FROM utc_offset)::int AS utc_offset_s FROM port.site ORDER BY name"
ASSETS: Final = "SELECT asset_id, site_id, kind, type, name, carried_by FROM port.asset"
PROFILES: Final = "SELECT profile, version, target FROM kpi.sla_profile"

CRANE_STATUS: Final = """
SELECT a.asset_id, s.time, s.status FROM port.asset AS a CROSS JOIN LATERAL (
    SELECT c.time, c.status FROM port.crane_status AS c
    WHERE c.crane_id = a.asset_id AND c.time >= $1 ORDER BY c.time DESC, c.event_id DESC LIMIT 1
) AS s WHERE a.kind = 'crane'
"""
CRANE_FAULT: Final = """
SELECT a.asset_id, f.* FROM port.asset AS a CROSS JOIN LATERAL (
    SELECT DISTINCT ON (c.code) c.code, c.time, c.severity, c.active, c.stops_work, c.description
    FROM port.crane_fault AS c
    WHERE c.crane_id = a.asset_id AND c.time >= $1 ORDER BY c.code, c.time DESC, c.event_id DESC
) AS f WHERE a.kind = 'crane'
"""
CRANE_MINUTE: Final = """
SELECT a.asset_id, m.* FROM port.asset AS a CROSS JOIN LATERAL (
    SELECT c.bucket, c.samples, c.load_t_max, c.wind_mps_max FROM port.crane_minute AS c
    WHERE c.crane_id = a.asset_id AND c.bucket >= $1 ORDER BY c.bucket DESC LIMIT 1
) AS m WHERE a.kind = 'crane'
"""
GATE_MINUTE: Final = """
SELECT a.asset_id, m.* FROM port.asset AS a CROSS JOIN LATERAL (
    SELECT g.bucket, sum(g.steps + g.ocr_reads)::bigint AS samples FROM port.gate_minute AS g
    WHERE g.gate_id = a.asset_id AND g.bucket >= $1 GROUP BY g.bucket ORDER BY g.bucket DESC LIMIT 1
) AS m WHERE a.kind = 'gate'
"""
RADIO_MINUTE: Final = """
SELECT a.asset_id, m.* FROM port.asset AS a CROSS JOIN LATERAL (
    SELECT r.bucket, r.samples, r.rsrp_dbm_sum / nullif(r.rsrp_dbm_count, 0) AS rsrp_dbm, r.sinr_db_min, r.rtt_ms_max
    FROM port.radio_minute AS r WHERE r.device_id = a.asset_id AND r.bucket >= $1 ORDER BY r.bucket DESC LIMIT 1
) AS m WHERE a.kind = 'device'
"""
BOXES: Final = """
SELECT crane_id AS asset_id, sum(boxes)::bigint AS boxes FROM port.crane_cycle
WHERE ended_at > $1 AND outcome IN ('counted', 'gap', 'suspended') GROUP BY crane_id
"""
OBSERVED: Final = """
SELECT crane_id AS asset_id, count(*) AS minutes FROM port.crane_minute WHERE bucket > $1 GROUP BY crane_id
"""
WAITING: Final = """
SELECT gate_in AS asset_id, count(*) AS waiting, min(queued_at) AS since FROM port.gate_visit
WHERE outcome = 'open' AND last_at > $1 AND queued_at IS NOT NULL AND entered_at IS NULL AND gate_in IS NOT NULL
GROUP BY gate_in
"""
ENTERED: Final = """
SELECT gate_in AS asset_id, count(*) AS visits, avg(touch_points)::float8 AS touch_points,
       avg(manual_touch_points)::float8 AS manual_touch_points, sum(exceptions)::bigint AS exceptions
FROM port.gate_visit WHERE entered_at > $1 AND gate_in IS NOT NULL GROUP BY gate_in
"""
LEFT: Final = """
SELECT gate_out AS asset_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY turn_time_s) AS turn_time_s
FROM port.gate_visit WHERE left_at > $1 AND gate_out IS NOT NULL AND turn_time_s IS NOT NULL GROUP BY gate_out
"""
SLA: Final = """
SELECT device_id AS asset_id, profile, version, bucket, state FROM port.sla_minute WHERE bucket > $1
"""
ALARMS: Final = """
SELECT site, cell_id AS asset_id, coalesce(last_severity, severity) AS severity, condition, specific_problem,
       coalesce(raised_at, first_at) AS since
FROM port.cell_alarm WHERE outcome = 'open' AND last_at > $1
"""
CALLS: Final = """
SELECT site, call_id, berth, berthed_at, cargo_started_at IS NOT NULL AND cargo_completed_at IS NULL AS is_working
FROM port.vessel_call
WHERE outcome = 'open' AND last_at > $1 AND berthed_at IS NOT NULL AND departed_at IS NULL AND last_line_at IS NULL
"""
# From the ledger, not from raw rows: of the boots heard within the last hour, what their gateways counted and what is
# missing of it. A number that was refused has not been stored either.
COMPLETENESS: Final = """
SELECT heard.site, sum(heard.counted)::bigint AS expected, sum(heard.counted - heard.missing)::bigint AS received
FROM (
    SELECT substring(s.subject FROM '^[^-]+-[^-]+') AS site, s.intervals[cardinality(s.intervals)] AS counted,
           (SELECT coalesce(sum(g.to_sequence - g.from_sequence + 1), 0) FROM ingest.sequence_gap AS g
            WHERE g.stream_id = s.stream_id AND g.filled_at IS NULL) AS missing
    FROM ingest.sequence_stream AS s
    WHERE s.updated_at > now() - INTERVAL '1 hour' AND s.intervals[cardinality(s.intervals)] > 0
) AS heard GROUP BY heard.site
"""
PIPELINE: Final = """
SELECT now() AS at, max(updated_at) AS committed_at, coalesce(sum(accepted), 0)::bigint AS accepted,
       coalesce(sum(duplicate), 0)::bigint AS duplicate, coalesce(sum(rejected), 0)::bigint AS rejected,
       coalesce(sum(missing), 0)::bigint AS missing
FROM ingest.partition_offset
"""
