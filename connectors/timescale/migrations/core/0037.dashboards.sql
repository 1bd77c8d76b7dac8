-- What dashboards ask that nothing else does: the assets of a kind without a site's boxes, boxes by when they were loaded,
-- and what the server says is slow.

CREATE INDEX asset_kind_site_id ON port.asset (kind, site_id);
CREATE INDEX cargo_visit_loaded_at ON port.cargo_visit (loaded_at, site) WHERE loaded_at IS NOT NULL;

-- Statements of this database by the time they took, without their values. The reader may not see other sessions'
-- statements; this shows what it may: texts that PostgreSQL has stripped of values. Empty where pg_stat_statements is
-- not there, not loaded, or keeps itself from the owner.
CREATE FUNCTION ingest.slow_statements()
RETURNS TABLE (
    role text, statement text, calls bigint, mean_s double precision, worst_s double precision, total_s double precision,
    rows bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog
AS $$
DECLARE
    home text := (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_stat_statements'
    );
BEGIN
    IF home IS NULL OR NOT pg_has_role('pg_read_all_stats', 'USAGE') THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format($query$
        SELECT r.rolname::text, s.query, s.calls, s.mean_exec_time / 1000, s.max_exec_time / 1000,
               s.total_exec_time / 1000, s.rows
        FROM %s.pg_stat_statements AS s JOIN pg_roles AS r ON r.oid = s.userid
        WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND r.rolname LIKE 'quaystream%%'
        ORDER BY s.total_exec_time DESC LIMIT 100
    $query$, home);
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RETURN;
END
$$;

REVOKE ALL ON FUNCTION ingest.slow_statements() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.slow_statements() TO quaystream_reader;
