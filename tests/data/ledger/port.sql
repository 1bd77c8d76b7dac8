-- What a worker would leave behind of 17 records; every rollup value is worked out by hand.

INSERT INTO ingest.partition_offset
    (consumer_group, topic, partition, first_offset, next_offset, accepted, duplicate, rejected, missing)
VALUES ('quaystream', 'crane-events', 0, 100, 110, 4, 3, 1, 2),
       ('quaystream', 'gate-events', 1, 0, 4, 4, 0, 0, 0),
       ('quaystream', 'cell-events', 2, 0, 3, 3, 0, 0, 0);
INSERT INTO ingest.lost_range (consumer_group, topic, partition, from_offset, to_offset, kind)
VALUES ('quaystream', 'crane-events', 0, 104, 106, 'retention');
INSERT INTO ingest.dead_letter (topic, partition, record_offset, reason, headers, payload, relayed_at)
VALUES ('crane-events', 0, 103, 'undecodable', '[["qs-run", "UlVO"]]', 'x', now());
INSERT INTO ingest.source_tally (source, domain, accepted, duplicate)
VALUES ('/gw', 'crane', 3, 3), ('/gw', 'gate', 4, 0), ('/gw', 'cell', 3, 0), ('/other', 'crane', 1, 0);

INSERT INTO port.crane_sample
    (time, crane_id, site, source, event_id, partition, record_offset, load_t, wind_mps, power_kw, moves_total)
VALUES ('2026-01-01 08:00:10Z', 'S-C1', 'S', '/gw', 'a', 0, 100, 20.1, 3, -5.5, 7),
       ('2026-01-01 08:00:50Z', 'S-C1', 'S', '/gw', 'b', 0, 101, 10.2, NULL, 40.25, 8),
       ('2026-01-01 08:01:00Z', 'S-C1', 'S', '/gw', 'c', 0, 102, NULL, 5, NULL, NULL),
       ('2026-01-01 09:00:00Z', 'S-C1', 'S', '/other', 'a', 0, 109, 1, 1, 1, 9);
INSERT INTO port.crane_minute (bucket, crane_id, site, samples, load_t_max, load_t_sum, load_t_count, wind_mps_max,
    power_kw_sum, power_kw_count, moves_total_min, moves_total_max)
VALUES ('2026-01-01 08:00Z', 'S-C1', 'S', 2, 20.1, 30.3, 2, 3, 34.75, 2, 7, 8),
       ('2026-01-01 08:01Z', 'S-C1', 'S', 1, NULL, 0, 0, 5, 0, 0, NULL, NULL),
       ('2026-01-01 09:00Z', 'S-C1', 'S', 1, 1, 1, 1, 1, 1, 1, 9, 9);
INSERT INTO port.crane_hour (bucket, crane_id, site, samples, load_t_max, load_t_sum, load_t_count, wind_mps_max,
    power_kw_sum, power_kw_count, moves_total_min, moves_total_max)
VALUES ('2026-01-01 08:00Z', 'S-C1', 'S', 3, 20.1, 30.3, 2, 5, 34.75, 2, 7, 8),
       ('2026-01-01 09:00Z', 'S-C1', 'S', 1, 1, 1, 1, 1, 1, 1, 9, 9);

INSERT INTO port.gate_step
    (time, gate_id, site, source, event_id, partition, record_offset, visit_id, lane, direction, step, actor, manual)
VALUES ('2026-01-01 08:00:01Z', 'S-G1', 'S', '/gw', 'd', 1, 0, 'v1', 'IN1', 'in', 'exception', 'terminal', true),
       ('2026-01-01 08:00:02Z', 'S-G1', 'S', '/gw', 'e', 1, 1, 'v1', 'IN1', 'in', 'gate_left', 'system', false),
       ('2026-01-01 08:00:03Z', 'S-G1', 'S', '/gw', 'f', 1, 2, 'v1', 'IN1', 'out', 'gate_left', 'system', false);
INSERT INTO port.ocr_read (time, gate_id, site, source, event_id, partition, record_offset, visit_id, lane, kind, value,
    confidence, corrected_value)
VALUES ('2026-01-01 08:00:04Z', 'S-G1', 'S', '/gw', 'g', 1, 3, 'v1', 'IN1', 'plate', '15C-1', 0.5, '15C-7');
INSERT INTO port.gate_minute
VALUES ('2026-01-01 08:00Z', 'S-G1', 'S', 'IN1', 3, 1, 1, 1, 1, 1, 1);
INSERT INTO port.gate_hour SELECT * FROM port.gate_minute;

INSERT INTO port.cell_measurement (time, cell_id, site, source, event_id, partition, record_offset, object, granularity_s,
    suspect, name, labels, value_si)
VALUES ('2026-01-01 08:00Z', 'S-N1', 'S', '/gw', 'h', 2, 0, 'cell=1', 60, true, 'DRB.UEThpDl', '{"qos": "9", "bin": 1}', 4),
       ('2026-01-01 08:00Z', 'S-N1', 'S', '/gw', 'h', 2, 0, 'cell=1', 60, true, 'DRB.UEThpDl', '{"qos": "9", "bin": 2}', NULL),
       ('2026-01-01 08:00Z', 'S-N1', 'S', '/gw', 'i', 2, 1, 'cell=1', 60, NULL, 'DRB.UEThpDl', '{"bin": 1, "qos": "9"}', 6);
INSERT INTO port.cell_minute
VALUES ('2026-01-01 08:00Z', 'S-N1', 'S', 'cell=1', 'DRB.UEThpDl', '{"qos": "9", "bin": 1}', 2, 10, 2, 4, 6, 1),
       ('2026-01-01 08:00Z', 'S-N1', 'S', 'cell=1', 'DRB.UEThpDl', '{"qos": "9", "bin": 2}', 1, 0, 0, NULL, NULL, 1);
INSERT INTO port.cell_hour SELECT * FROM port.cell_minute;
INSERT INTO port.radio_sample (time, device_id, site, source, event_id, partition, record_offset, rsrp_dbm, handover)
VALUES ('2026-01-01 08:00Z', 'S-D1', 'S', '/gw', 'j', 2, 2, -90, true);
INSERT INTO port.radio_minute
    (bucket, device_id, site, samples, rsrp_dbm_min, rsrp_dbm_max, rsrp_dbm_sum, rsrp_dbm_count, handovers)
VALUES ('2026-01-01 08:00Z', 'S-D1', 'S', 1, -90, -90, -90, 1, 1);
INSERT INTO port.radio_hour SELECT * FROM port.radio_minute;
