-- Reference data: the declared sites and assets, filled by `quaystream migrate`; undeclared assets join as they report.

CREATE TABLE port.site (
    site_id    text PRIMARY KEY,
    name       text NOT NULL,
    utc_offset interval NOT NULL,
    shifts     jsonb NOT NULL DEFAULT '[]'
);

CREATE TABLE port.asset (
    asset_id   text PRIMARY KEY,
    site_id    text NOT NULL,
    kind       text NOT NULL,
    name       text NOT NULL DEFAULT '',
    gateways   jsonb NOT NULL DEFAULT '[]',
    declared   boolean NOT NULL DEFAULT true,
    type       text,
    lanes      jsonb NOT NULL DEFAULT '[]',
    carried_by text
);
CREATE INDEX asset_site_id ON port.asset (site_id);
