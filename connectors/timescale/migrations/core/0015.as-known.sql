-- Facts as they were known at a time: today's, where they were recorded by then, and what restatements replaced since.

CREATE FUNCTION kpi.crane_cycle_as_known(at timestamptz) RETURNS SETOF port.crane_cycle
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT fact.* FROM port.crane_cycle AS fact WHERE fact.recorded_at <= at
    UNION ALL
    SELECT old.* FROM kpi.restatement AS r, jsonb_populate_record(NULL::port.crane_cycle, r.old) AS old
    WHERE r.kind = 'crane_cycle' AND r.old_recorded_at <= at AND r.changed_at > at
$$;

CREATE FUNCTION kpi.gate_visit_as_known(at timestamptz) RETURNS SETOF port.gate_visit
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT fact.* FROM port.gate_visit AS fact WHERE fact.recorded_at <= at
    UNION ALL
    SELECT old.* FROM kpi.restatement AS r, jsonb_populate_record(NULL::port.gate_visit, r.old) AS old
    WHERE r.kind = 'gate_visit' AND r.old_recorded_at <= at AND r.changed_at > at
$$;

CREATE FUNCTION kpi.cargo_visit_as_known(at timestamptz) RETURNS SETOF port.cargo_visit
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT fact.* FROM port.cargo_visit AS fact WHERE fact.recorded_at <= at
    UNION ALL
    SELECT old.* FROM kpi.restatement AS r, jsonb_populate_record(NULL::port.cargo_visit, r.old) AS old
    WHERE r.kind = 'cargo_visit' AND r.old_recorded_at <= at AND r.changed_at > at
$$;

CREATE FUNCTION kpi.vessel_call_as_known(at timestamptz) RETURNS SETOF port.vessel_call
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT fact.* FROM port.vessel_call AS fact WHERE fact.recorded_at <= at
    UNION ALL
    SELECT old.* FROM kpi.restatement AS r, jsonb_populate_record(NULL::port.vessel_call, r.old) AS old
    WHERE r.kind = 'vessel_call' AND r.old_recorded_at <= at AND r.changed_at > at
$$;

REVOKE ALL ON FUNCTION
    kpi.crane_cycle_as_known(timestamptz), kpi.gate_visit_as_known(timestamptz),
    kpi.cargo_visit_as_known(timestamptz), kpi.vessel_call_as_known(timestamptz)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    kpi.crane_cycle_as_known(timestamptz), kpi.gate_visit_as_known(timestamptz),
    kpi.cargo_visit_as_known(timestamptz), kpi.vessel_call_as_known(timestamptz)
TO quaystream_reader;
