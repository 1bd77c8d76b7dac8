-- Who was given what, and who was refused. Rows are only ever added; they leave after a year at the earliest.

CREATE TABLE share.audit (
    audit_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    who         text NOT NULL DEFAULT session_user,
    action      text NOT NULL CHECK (action IN ('read', 'export', 'share', 'forward', 'transfer', 'erase', 'reveal')),
    outcome     text NOT NULL CHECK (outcome IN ('allowed', 'refused')),
    agency      text,
    contract    text,
    object      text NOT NULL,
    destination text,
    classes     text[] NOT NULL DEFAULT '{}',
    rows        bigint,
    reason      text
);
CREATE INDEX audit_at ON share.audit (at);
COMMENT ON TABLE share.audit IS 'every attempt to give data away, allowed or refused, without a value of any field';

CREATE FUNCTION share.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('quaystream.forgetting', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION '%.% is only ever added to', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = '42501';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE ON share.audit FOR EACH ROW EXECUTE FUNCTION share.refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON share.audit FOR EACH STATEMENT EXECUTE FUNCTION share.refuse_change();

-- The only way in for every role but the owner; what it says of who and when is not the caller's to say.
CREATE FUNCTION share.note(
    action text, outcome text, object text, agency text, contract text, destination text, classes text[], rows bigint,
    reason text
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO share.audit (action, outcome, object, agency, contract, destination, classes, rows, reason)
    VALUES (action, outcome, left(object, 400), left(agency, 100), left(contract, 100), left(destination, 10),
            coalesce(classes, '{}'), rows, left(reason, 400))
    RETURNING audit_id
$$;

CREATE FUNCTION share.forget_audit(before timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    removed bigint;
BEGIN
    IF before > now() - INTERVAL '1 year' THEN
        RAISE EXCEPTION 'the audit is kept for a year at least' USING ERRCODE = '22023';
    END IF;
    PERFORM set_config('quaystream.forgetting', 'on', true);
    DELETE FROM share.audit WHERE at < before;
    GET DIAGNOSTICS removed = ROW_COUNT;
    PERFORM set_config('quaystream.forgetting', 'off', true);
    RETURN removed;
END $$;

GRANT USAGE ON SCHEMA share TO quaystream_worker;
GRANT EXECUTE ON FUNCTION share.note(text, text, text, text, text, text, text[], bigint, text)
    TO quaystream_worker, quaystream_reader;
