"""Which raw rows are of which alarm, as SQL: what streams/facts/cell_alarm.py says of all rows of a cell, for some of them."""

from typing import Final

# As cell_alarm.in_order sorts; texts by their bytes, as Python does.
_RANK: Final = "array_position(ARRAY['warning', 'minor', 'major', 'critical', 'cleared'], {0}.severity)"
# A clear as what it clears (cell_alarm.identified), everything else as itself. $5 is the patience.
_AS_RAISED: Final = f"""
LEFT JOIN LATERAL (
    SELECT r.condition, r.interface, r.specific_problem FROM port.cell_alarm_event AS r
    WHERE e.severity = 'cleared' AND r.severity <> 'cleared' AND r.cell_id = e.cell_id AND r.alarm_id = e.alarm_id
        AND r.source = e.source AND r.time BETWEEN e.time - $5::interval AND e.time
    ORDER BY (r.condition, r.interface, r.specific_problem) IS NOT DISTINCT FROM
            (e.condition, e.interface, e.specific_problem) DESC,
        r.time DESC, {_RANK.format("r")} DESC, r.event_id COLLATE "C" DESC
    LIMIT 1
) AS a ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.condition IS NULL THEN e.condition ELSE a.condition END AS condition,
           CASE WHEN a.condition IS NULL THEN e.interface ELSE a.interface END AS interface,
           CASE WHEN a.condition IS NULL THEN e.specific_problem ELSE a.specific_problem END AS specific_problem
) AS w
"""  # noqa: S608  (of constants)
# Beside the alarms that rows in the marks are about: those of which rows share an `alarm_id` with them and come later, or
# were the last before. Their clears may be about another alarm now.
TOUCHED: Final = f"""
SELECT 'network' AS origin, e.source, w.condition, w.interface, w.specific_problem, min(e.time) AS since, $3 AS until
FROM port.cell_alarm_event AS e {_AS_RAISED} WHERE e.cell_id = $1 AND e.time BETWEEN $2 AND $3
GROUP BY e.source, w.condition, w.interface, w.specific_problem
UNION ALL
SELECT 'network', n.source, o.condition, o.interface, o.specific_problem, min(n.since), max(greatest(o.time, n.since))
FROM (
    SELECT source, alarm_id, min(time) AS since FROM port.cell_alarm_event
    WHERE cell_id = $1 AND time BETWEEN $2 AND $3 GROUP BY source, alarm_id
) AS n
CROSS JOIN LATERAL (
    SELECT l.* FROM port.cell_alarm_event AS l
    WHERE l.cell_id = $1 AND l.alarm_id = n.alarm_id AND l.source = n.source AND l.time >= n.since
    UNION ALL
    (SELECT b.* FROM port.cell_alarm_event AS b
     WHERE b.cell_id = $1 AND b.alarm_id = n.alarm_id AND b.source = n.source AND b.severity <> 'cleared'
         AND b.time < n.since AND b.time >= n.since - $5::interval ORDER BY b.time DESC,
        {_RANK.format("b")} DESC, b.event_id COLLATE "C" DESC LIMIT 1)
) AS o
GROUP BY n.source, o.condition, o.interface, o.specific_problem
UNION ALL
SELECT 'heartbeat', source, $4, NULL, NULL, min(time), $3
FROM port.cell_heartbeat WHERE cell_id = $1 AND time BETWEEN $2 AND $3 GROUP BY source
UNION ALL
SELECT origin, source, condition, interface, specific_problem, greatest(min(first_at), $2), $3
FROM port.cell_alarm WHERE cell_id = $1 AND last_at >= $2 AND first_at <= $3
GROUP BY origin, source, condition, interface, specific_problem
"""  # noqa: S608  (of constants)
ALARM_ROWS: Final = f"""
SELECT e.time, e.severity, e.probable_cause FROM port.cell_alarm_event AS e {_AS_RAISED}
WHERE e.cell_id = $1 AND e.source = $2 AND e.time >= $3 AND w.condition = $4
    AND w.interface IS NOT DISTINCT FROM $6 AND w.specific_problem IS NOT DISTINCT FROM $7
ORDER BY e.time, {_RANK.format("e")}, e.event_id COLLATE "C"
"""  # noqa: S608  (of constants)
BEAT_ROWS: Final = """
SELECT time, interval_s FROM port.cell_heartbeat WHERE cell_id = $1 AND source = $2 AND time >= $3
ORDER BY time, event_id COLLATE "C"
"""
BEAT_BEFORE: Final = """
SELECT time, interval_s FROM port.cell_heartbeat WHERE cell_id = $1 AND source = $2 AND time < $3
ORDER BY time DESC, event_id COLLATE "C" DESC LIMIT 1
"""
