-- Contracts of sharing as `quaystream share apply` last wrote them from schemas/share, and what their views are closed by:
-- a view answers only while its contract stands here, unrevoked, between its times, with the digest it was made from.

CREATE TABLE share.contract (
    contract    text PRIMARY KEY,
    agency      text NOT NULL,
    purpose     text NOT NULL,
    title       text NOT NULL,
    basis       text NOT NULL,
    country     text NOT NULL,
    sites       text[] NOT NULL,
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    digest      text NOT NULL,
    revoked_at  timestamptz,
    applied_at  timestamptz NOT NULL DEFAULT now()
);

-- One secret per agency: ids and keyed values are HMAC-SHA256 under it (RFC 2104), so that no two agencies can put their
-- data together. `inner_pad` and `outer_pad` are the key's two blocks, so that plain SQL can do it.
CREATE TABLE share.agency_key (
    agency    text PRIMARY KEY,
    secret    bytea NOT NULL,
    inner_pad bytea NOT NULL,
    outer_pad bytea NOT NULL,
    made_at   timestamptz NOT NULL DEFAULT now()
);

-- Approved transfers abroad: without one that is valid now, nothing important or personal leaves the country.
CREATE TABLE share.transfer (
    transfer_id text PRIMARY KEY,
    destination text NOT NULL,
    object      text NOT NULL,
    classes     text[] NOT NULL,
    dossier     text NOT NULL,
    approved_by text NOT NULL,
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    revoked_at  timestamptz
);

GRANT SELECT ON share.contract, share.agency_key TO quaystream_worker;
GRANT SELECT ON share.transfer TO quaystream_worker, quaystream_reader;
