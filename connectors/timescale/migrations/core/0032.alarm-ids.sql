-- A clear ends the alarm that was raised under its alarm_id, whatever else it says: raises are sought by it.

CREATE INDEX cell_alarm_event_cell_id_alarm_id_time ON port.cell_alarm_event (cell_id, alarm_id, time DESC);

-- What was folded without it is folded again.
INSERT INTO ingest.refold (kind, key, from_time, to_time, reason)
SELECT 'cell_alarm', c.site || '/' || c.cell_id, min(c.time), max(c.time), 'definition'
FROM port.cell_alarm_event AS c
WHERE c.severity = 'cleared' AND EXISTS (
    SELECT FROM port.cell_alarm_event AS r
    WHERE r.cell_id = c.cell_id AND r.alarm_id = c.alarm_id AND r.source = c.source AND r.severity <> 'cleared'
        AND r.time <= c.time
        AND (r.condition, r.interface, r.specific_problem) IS DISTINCT FROM (c.condition, c.interface, c.specific_problem)
)
GROUP BY c.site, c.cell_id;
