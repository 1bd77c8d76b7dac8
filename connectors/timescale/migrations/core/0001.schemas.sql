-- The four schemas, closed to everybody until 0010.grants opens what each role needs.

CREATE SCHEMA port;
CREATE SCHEMA ingest;
CREATE SCHEMA kpi;
CREATE SCHEMA share;
REVOKE ALL ON SCHEMA port, ingest, kpi, share FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
