-- A large installation, made up: %(sites)s sites and %(days)s days until %(until)s. Of each site 20 cranes that lift 150 times a
-- day, 40 devices, 8 cells, 4 gates of 2 lanes with 1,500 trucks a day, 2,000 boxes and 4 ships a day. Hours of all days,
-- minutes of the last two (of service levels the last one): what no panel reads over a longer time is not made.
-- Raw events are not made: panels read none but the changes of cranes, which are here.

INSERT INTO port.site (site_id, name, utc_offset, shifts)
SELECT 'VNHPH-SITE' || chr(64 + n), 'Site ' || n, INTERVAL '7 hours', '[]' FROM generate_series(1, %(sites)s) AS n;
INSERT INTO port.asset (asset_id, site_id, kind, type)
SELECT s.site_id || '-' || upper(k.kind) || n, s.site_id, k.kind, CASE k.kind WHEN 'crane' THEN 'STS' END
FROM port.site AS s CROSS JOIN (VALUES ('crane', 20), ('device', 40), ('cell', 8), ('gate', 4), ('cargo', 5000)) AS k (kind, many)
CROSS JOIN LATERAL generate_series(1, k.many) AS n WHERE s.site_id LIKE 'VNHPH-SITE_';
INSERT INTO ingest.site_clock (site, newest) SELECT site_id, %(until)s FROM port.site WHERE site_id LIKE 'VNHPH-SITE_';
ANALYZE port.asset;

INSERT INTO port.crane_hour (bucket, crane_id, site, samples, load_t_max, load_t_sum, load_t_count, wind_mps_max,
    energy_total_kwh_min, energy_total_kwh_max, moves_total_min, moves_total_max)
SELECT t, a.asset_id, a.site_id, 3600, 40, 50000, 3600, 9, 0, 60, 0, 6
FROM port.asset AS a, generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '1 hour') AS t WHERE a.kind = 'crane';
INSERT INTO port.crane_minute (bucket, crane_id, site, samples, load_t_max, load_t_sum, load_t_count, wind_mps_max,
    energy_total_kwh_min, energy_total_kwh_max, moves_total_min, moves_total_max)
SELECT t, a.asset_id, a.site_id, 60, 40, 900, 60, 9, 0, 1, 0, 1
FROM port.asset AS a, generate_series(%(until)s - INTERVAL '2 days', %(until)s, INTERVAL '1 minute') AS t WHERE a.kind = 'crane';
INSERT INTO port.gate_hour (bucket, gate_id, site, lane, steps, manual_steps, visits_in, visits_out, exceptions, ocr_reads, ocr_corrected)
SELECT t, a.asset_id, a.site_id, l, 90, 20, 8, 8, 1, 40, 2
FROM port.asset AS a, unnest(ARRAY['1', '2']) AS l, generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '1 hour') AS t
WHERE a.kind = 'gate';
INSERT INTO port.gate_minute (bucket, gate_id, site, lane, steps, manual_steps, visits_in, visits_out, exceptions, ocr_reads, ocr_corrected)
SELECT t, a.asset_id, a.site_id, l, 2, 1, 1, 0, 0, 1, 0
FROM port.asset AS a, unnest(ARRAY['1', '2']) AS l, generate_series(%(until)s - INTERVAL '2 days', %(until)s, INTERVAL '1 minute') AS t
WHERE a.kind = 'gate';
INSERT INTO port.radio_hour (bucket, device_id, site, samples, rsrp_dbm_min, rtt_ms_max, loss_ratio_max, handovers)
SELECT t, a.asset_id, a.site_id, 3600, -95 + 10 * random(), 40 * random(), 0.001 * random(), 3
FROM port.asset AS a, generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '1 hour') AS t WHERE a.kind = 'device';
INSERT INTO port.radio_minute (bucket, device_id, site, samples, rsrp_dbm_min, rtt_ms_max, loss_ratio_max, handovers)
SELECT t, a.asset_id, a.site_id, 60, -95 + 10 * random(), 40 * random(), 0.001 * random(), 0
FROM port.asset AS a, generate_series(%(until)s - INTERVAL '2 days', %(until)s, INTERVAL '1 minute') AS t WHERE a.kind = 'device';
INSERT INTO port.sla_minute (bucket, device_id, site, profile, version, samples, good, bad, outage_s, state)
SELECT t, a.asset_id, a.site_id, 'remote-crane-control', 1, 60, 60, 0, 0, CASE WHEN random() < 0.01 THEN 'out' ELSE 'in' END
FROM port.asset AS a, generate_series(%(until)s - INTERVAL '1 day', %(until)s, INTERVAL '1 minute') AS t WHERE a.kind = 'device';
INSERT INTO port.cell_hour (bucket, cell_id, site, object, name, labels, samples, value_si_sum, value_si_count)
SELECT t, a.asset_id, a.site_id, 'NRCellDU=1', n, '{}', 4, 4e8, 4
FROM port.asset AS a, unnest(ARRAY['DRB.UEThpUl', 'DRB.UEThpDl', 'RRC.ConnEstabAtt', 'RRC.ConnEstabSucc', 'DRB.EstabAtt', 'DRB.EstabSucc']) AS n,
    generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '1 hour') AS t
WHERE a.kind = 'cell';
INSERT INTO port.cell_minute (bucket, cell_id, site, object, name, labels, samples, value_si_sum, value_si_count)
SELECT t, a.asset_id, a.site_id, 'NRCellDU=1', n, '{}', 1, 1e8, 1
FROM port.asset AS a, unnest(ARRAY['DRB.UEThpUl', 'DRB.UEThpDl', 'RRC.ConnEstabAtt', 'RRC.ConnEstabSucc', 'DRB.EstabAtt', 'DRB.EstabSucc']) AS n,
    generate_series(%(until)s - INTERVAL '2 days', %(until)s, INTERVAL '15 minutes') AS t
WHERE a.kind = 'cell';

INSERT INTO port.crane_cycle (cycle_id, crane_id, site, started_at, locked_at, ended_at, boxes, laden_s, unladen_s, wait_s, hoist_s,
    trolley_s, lower_s, energy_kwh, call_id, move_kind, outcome, state)
SELECT a.asset_id || '/' || extract(epoch FROM t), a.asset_id, a.site_id, t - INTERVAL '2 min', t - INTERVAL '1 min', t, 1, 60, 60, 20, 30, 40, 30, 5,
       a.site_id || '_' || extract(doy FROM t), CASE WHEN random() < 0.5 THEN 'load' ELSE 'discharge' END, 'counted', '{}'
FROM port.asset AS a, generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '576 s') AS t WHERE a.kind = 'crane';
INSERT INTO port.gate_visit (visit_id, site, gate_in, gate_out, lane_in, lane_out, queued_at, entered_at, left_at, touch_points,
    manual_touch_points, wait_s_by_actor, inside_s, turn_time_s, ocr_first_pass, ocr_reads, ocr_corrected, container_reads,
    check_digit_failures, exceptions, exception_reasons, holds, first_at, last_at, outcome)
SELECT s.site_id || extract(epoch FROM t), s.site_id, s.site_id || '-GATE1', s.site_id || '-GATE2', '1', '2', t - INTERVAL '50 min', t - INTERVAL '40 min', t, 8, 3,
       '{"customs": 120, "driver": 200, "terminal": 300, "system": 2400}', 2300, 2400, random() < 0.9, 3, 0, 2, 0,
       (random() < 0.05)::int, CASE WHEN random() < 0.05 THEN '{"seal": 1}'::jsonb END, 0, t - INTERVAL '50 min', t, 'complete'
FROM port.site AS s, generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '57.6 s') AS t WHERE s.site_id LIKE 'VNHPH-SITE_';
INSERT INTO port.cargo_visit (cargo_visit_id, equipment_reference, site, cargo_class, flow, discharged_at, cleared_at, released_at, gated_out_at,
    dwell_s, wait_s_by_agency, agency_wait_s, first_at, last_at, outcome)
SELECT s.site_id || extract(epoch FROM t), 'QSPU6725377', s.site_id, 'import', 'import', t, t + INTERVAL '1 day', t + INTERVAL '1 day', o.at,
       extract(epoch FROM o.at - t), '{"customs": 3600, "quarantine": 7200}', 10800, t, coalesce(o.at, t + INTERVAL '1 day'),
       CASE WHEN o.at IS NULL THEN 'open' ELSE 'complete' END
FROM port.site AS s, generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '43.2 s') AS t
CROSS JOIN LATERAL (SELECT CASE WHEN t + INTERVAL '4 days' < %(until)s THEN t + INTERVAL '4 days' END AS at) AS o WHERE s.site_id LIKE 'VNHPH-SITE_';
INSERT INTO port.vessel_call (call_id, imo, site, berth, berthed_at, cargo_started_at, cargo_completed_at, departed_at, wait_s, turnaround_s, expected,
    first_at, last_at, outcome)
SELECT s.site_id || '_' || extract(doy FROM t), '9074729', s.site_id, 'B' || extract(hour FROM t)::int / 6, t, t + INTERVAL '1 hour', t + INTERVAL '20 hours', t + INTERVAL '22 hours',
       3600, 79200, '{}', t - INTERVAL '1 day', t + INTERVAL '22 hours', 'complete'
FROM port.site AS s, generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '1 day') AS t WHERE s.site_id LIKE 'VNHPH-SITE_';
INSERT INTO port.cell_alarm (cell_alarm_id, alarm_key, cell_id, site, origin, source, condition, severity, last_severity, active_s, changes, flaps,
    first_at, last_at, outcome)
SELECT a.asset_id || extract(epoch FROM t), 'k', a.asset_id, a.site_id, 'network', '/s', 'linkDown', 'major', 'major', 600, 0, 0, t, t, 'complete'
FROM port.asset AS a, generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '6 hours') AS t WHERE a.kind = 'cell';
INSERT INTO kpi.restatement (kind, site, key, old, old_recorded_at, revision, changed_at, reason)
SELECT 'crane_cycle', s.site_id, extract(epoch FROM t)::text, '{}', t, 2, t, 'late'
FROM port.site AS s, generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '10 minutes') AS t WHERE s.site_id LIKE 'VNHPH-SITE_';
INSERT INTO kpi.radio_attribution (day_id, asset_id, site, day, cycles, exposed, attributed, unmatched, unknown, bad_s, lost_s, moves_lost, moves_low,
    moves_high, cells, definition, completeness, outcome, state)
SELECT a.asset_id || extract(epoch FROM t), a.asset_id, a.site_id, t, 150, 10, 5, 0, 0, 60, 50, 0.5, 0.1, 0.9, jsonb_build_object(a.site_id || '-CELL1', 60), '1', 1, 'ended', '{}'
FROM port.asset AS a, generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '1 day') AS t WHERE a.kind = 'crane';

-- Of each crane 24 statuses, a fault and an allocation a day: what may be read although it was told by events.
INSERT INTO port.crane_status (time, crane_id, site, source, event_id, partition, record_offset, status)
SELECT t, a.asset_id, a.site_id, '/s', 'e', 0, 0, CASE WHEN extract(hour FROM t)::int %% 3 = 0 THEN 'idle' ELSE 'working' END
FROM port.asset AS a, generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '1 hour') AS t WHERE a.kind = 'crane';
INSERT INTO port.crane_fault (time, crane_id, site, source, event_id, partition, record_offset, code, severity, active, stops_work)
SELECT t + f.after, a.asset_id, a.site_id, '/s', 'e', 0, 0, 'F1', 'error', f.active, true
FROM port.asset AS a, generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '1 day') AS t,
    (VALUES (INTERVAL '0', true), (INTERVAL '20 min', false)) AS f (after, active)
WHERE a.kind = 'crane' AND t + f.after <= %(until)s;
INSERT INTO port.crane_assignment (time, crane_id, site, source, event_id, partition, record_offset, call_id, state)
SELECT t + f.after, a.asset_id, a.site_id, '/s', 'e', 0, 0, 'C' || extract(doy FROM t), f.state
FROM port.asset AS a, generate_series(%(until)s - %(days)s * INTERVAL '1 day', %(until)s, INTERVAL '1 day') AS t,
    (VALUES (INTERVAL '1 hour', 'allocated'), (INTERVAL '21 hours', 'released')) AS f (after, state)
WHERE a.kind = 'crane' AND t + f.after <= %(until)s;
