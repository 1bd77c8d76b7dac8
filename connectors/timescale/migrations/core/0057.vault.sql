-- Clear names, where a site needs them: encrypted under the site's key of that period, which is not in this database.
-- Opened to the role quaystream_vault alone, which `quaystream share apply` makes. And the proof of what was erased.

CREATE SCHEMA vault;
REVOKE ALL ON SCHEMA vault FROM PUBLIC;

CREATE TABLE vault.name (
    site      text NOT NULL,
    period    date NOT NULL,
    pseudonym text NOT NULL,
    sealed    bytea NOT NULL,
    put_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, pseudonym)
);
COMMENT ON COLUMN vault.name.sealed IS 'nonce and AES-256-GCM ciphertext: who destroys the key of the period erases it';

CREATE TABLE vault.erasure (
    erasure_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    who        text NOT NULL DEFAULT session_user,
    site       text NOT NULL,
    period     date NOT NULL,
    key_digest bytea NOT NULL,
    names      bigint NOT NULL,
    reason     text NOT NULL,
    previous   bytea NOT NULL,
    digest     bytea NOT NULL
);
COMMENT ON TABLE vault.erasure IS
    'keys destroyed: SHA-256 of the key, names removed. digest chains each row to the one before';
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE ON vault.erasure FOR EACH ROW EXECUTE FUNCTION share.refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON vault.erasure
    FOR EACH STATEMENT EXECUTE FUNCTION share.refuse_change();
GRANT SELECT ON vault.erasure TO quaystream_reader;
GRANT USAGE ON SCHEMA vault TO quaystream_reader;
