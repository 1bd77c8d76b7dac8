-- Sites of which only assets are known, without reading every box that ever was at one: a step of the index for each site.

CREATE OR REPLACE VIEW kpi.site AS
WITH RECURSIVE known (site) AS (
    SELECT min(a.site_id) FROM port.asset AS a
    UNION ALL
    SELECT (SELECT min(a.site_id) FROM port.asset AS a WHERE a.site_id > k.site) FROM known AS k WHERE k.site IS NOT NULL
), others AS (
    SELECT site FROM ingest.site_clock UNION SELECT site FROM known WHERE site IS NOT NULL
)
SELECT s.site_id AS site, s.utc_offset, s.shifts, c.newest
FROM port.site AS s LEFT JOIN ingest.site_clock AS c ON c.site = s.site_id
UNION ALL
SELECT o.site, INTERVAL '0', '[]'::jsonb, c.newest
FROM others AS o LEFT JOIN ingest.site_clock AS c ON c.site = o.site
WHERE NOT EXISTS (SELECT FROM port.site AS s WHERE s.site_id = o.site);
