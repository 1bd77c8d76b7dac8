-- The newest event time of a site's alarms and heartbeats. Apart from ingest.site_clock: the periods of cranes and gates are
-- open until something of theirs comes, and a cell speaks at night too. Silence is judged by whatever the site told last.
CREATE TABLE ingest.cell_clock (
    site   text PRIMARY KEY,
    newest timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE VIEW ingest.cell_time AS
SELECT site, max(newest) AS newest FROM (
    SELECT site, newest FROM ingest.cell_clock UNION ALL SELECT site, newest FROM ingest.site_clock
) AS told GROUP BY site;

GRANT SELECT, INSERT, UPDATE ON ingest.cell_clock TO quaystream_worker;
GRANT SELECT ON ingest.cell_time TO quaystream_worker;
GRANT SELECT ON ingest.cell_clock, ingest.cell_time TO quaystream_reader;
