"""What a migration may not do while the version before is still at work: found by its text, each with an example."""

from pathlib import Path

import pytest

from connectors.timescale import schema_changes
from connectors.timescale.contraction import contractions, refusals, refused, released, statements
from schemas.errors import ConfigurationError

BREAKS = {
    "DROP TABLE port.gate_step": "drops a table (port.gate_step)",
    "DROP TABLE IF EXISTS port.mine, port.gate_step CASCADE": "drops a table (port.gate_step)",
    "DROP SCHEMA kpi CASCADE": "drops a schema (kpi)",
    "DROP VIEW kpi.effect": "drops a view (kpi.effect)",
    "DROP MATERIALIZED VIEW port.crane_day": "drops a view (port.crane_day)",
    "DROP FUNCTION ingest.retire(text, timestamptz)": "drops a function (ingest.retire)",
    "DROP TYPE port.kind": "drops a type (port.kind)",
    "DROP INDEX port.crane_minute_key": "drops an index, which an upsert may need (port.crane_minute_key)",
    "ALTER TABLE port.site DROP CONSTRAINT site_pkey": "drops a constraint, which an upsert may need (port.site)",
    "ALTER TABLE port.gate_step DROP COLUMN lane": "drops a column (port.gate_step)",
    "ALTER TABLE port.gate_step DROP lane": "drops a column (port.gate_step)",
    "ALTER TABLE port.gate_step ADD COLUMN a int, DROP COLUMN lane": "drops a column (port.gate_step)",
    "ALTER TABLE port.asset ALTER lanes DROP DEFAULT": "drops a default, which an insert may need (port.asset)",
    "ALTER TABLE port.gate_step RENAME COLUMN lane TO track": "renames (port.gate_step)",
    "ALTER TABLE port.gate_step RENAME TO passage": "renames (port.gate_step)",
    "ALTER FUNCTION kpi.numbers(text, text) RENAME TO figures": "renames (kpi.numbers)",
    "ALTER TABLE port.gate_step SET SCHEMA share": "moves to another schema (port.gate_step)",
    "ALTER TABLE port.gate_step ALTER COLUMN weight_kg TYPE numeric": "changes a column's type (port.gate_step)",
    "ALTER TABLE port.gate_step ALTER lane SET DATA TYPE int USING lane::int": "changes a column's type (port.gate_step)",
    "ALTER TABLE port.gate_step ALTER lane SET NOT NULL": "asks for a value where there was none (port.gate_step)",
    "ALTER TABLE port.gate_step ADD COLUMN camera text NOT NULL": "adds a column that every insert must give (port.gate_step)",
    "ALTER TABLE port.site ADD CONSTRAINT named CHECK (name <> '')": "adds a constraint (port.site)",
    "CREATE UNIQUE INDEX one ON port.asset (name)": "adds a unique index (port.asset)",
    "VACUUM FULL port.crane_sample": "rewrites a table (port.crane_sample)",
    "CLUSTER port.crane_sample USING by_time": "rewrites a table (port.crane_sample)",
    "ALTER TABLE port.site SET TABLESPACE slow": "puts a table elsewhere (port.site)",
    "UPDATE port.crane_sample SET load_t = load_t * 1000": "removes or changes rows (port.crane_sample)",
    "DELETE FROM ingest.refold": "removes or changes rows (ingest.refold)",
    "TRUNCATE port.crane_minute": "removes or changes rows (port.crane_minute)",
    "WITH old AS (DELETE FROM ingest.refold RETURNING id) SELECT count(*) FROM old": "removes or changes rows (ingest.refold)",
    "REVOKE INSERT ON port.gate_step FROM quaystream_worker": "takes a right from the worker (port.gate_step)",
    "DO $$ BEGIN EXECUTE 'ALTER TABLE port.gate_step DROP COLUMN lane'; END $$": "drops a column (port.gate_step)",
}
ALLOWED = [
    "ALTER TABLE port.gate_step ADD COLUMN camera text",
    "ALTER TABLE port.gate_step ADD COLUMN tries int NOT NULL DEFAULT 0",
    "ALTER TABLE port.gate_step ADD COLUMN a int, ADD COLUMN b text",
    "ALTER TABLE ingest.refold ALTER COLUMN reason SET STORAGE EXTERNAL",
    "CREATE INDEX later ON port.gate_step (camera)",
    "CREATE TABLE share.grant_of (a int NOT NULL, CONSTRAINT k PRIMARY KEY (a)); CREATE UNIQUE INDEX b ON share.grant_of (a)",
    "CREATE TABLE share.x (a int); ALTER TABLE share.x ADD CONSTRAINT k UNIQUE (a); UPDATE share.x SET a = 1",
    "DROP VIEW kpi.effect; CREATE VIEW kpi.effect AS SELECT 1",
    "CREATE OR REPLACE FUNCTION kpi.f() RETURNS int LANGUAGE sql AS $$ DELETE FROM port.site RETURNING 1 $$",
    "GRANT INSERT, UPDATE, DELETE ON port.site TO quaystream_worker",
    "REVOKE ALL ON FUNCTION kpi.f() FROM PUBLIC",
    "INSERT INTO port.site VALUES ('x') ON CONFLICT (site_id) DO UPDATE SET name = 'y'",
    "-- DROP TABLE port.gate_step;\nSELECT 1 /* DROP TABLE port.site */",
    "COMMENT ON TABLE port.site IS 'UPDATE this'",
]


@pytest.mark.parametrize("statement", BREAKS)
def test_what_breaks_the_version_before_is_refused_and_named(statement: str) -> None:
    assert BREAKS[statement] in contractions(f"-- Why.\n{statement};\n")
    assert refusals(f"{statement};", set()) != []


@pytest.mark.parametrize("text", ALLOWED)
def test_what_only_adds_is_let_through(text: str) -> None:
    assert contractions(text) == []


def test_several_actions_of_one_statement_are_looked_at_one_by_one() -> None:
    text = "ALTER TABLE port.site DROP COLUMN name, DROP COLUMN shifts, ADD COLUMN a numeric(3, 1)"
    assert list(statements(text)) == [
        "ALTER TABLE port.site DROP COLUMN name",
        "ALTER TABLE port.site DROP COLUMN shifts",
        "ALTER TABLE port.site ADD COLUMN a numeric(3, 1)",
    ]


def test_a_contract_may_take_away_what_no_released_version_uses() -> None:
    text = "-- contract: 0.3.0\nALTER TABLE port.site DROP COLUMN nickname, DROP COLUMN shifts;"
    assert schema_changes.kind_of(text) == "contract"
    assert refusals(text, {"port.site", "port.site.name"}) == []
    assert refusals(text, {"port.site.shifts"}) == ["the released version still uses port.site.shifts"]
    assert refusals("-- contract: 0.3.0\nDROP TABLE port.site;", released()) == [
        "the released version still uses port.site"
    ]


def test_a_contract_without_a_version_is_none() -> None:
    assert schema_changes.kind_of("-- contract: soon\nDROP TABLE port.site;") == "expand"


def test_every_migration_keeps_the_rule() -> None:
    assert refused() == []


def test_a_migration_that_does_not_is_named(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core/9999.drop.sql").write_text("DROP TABLE port.site;")
    assert refused(tmp_path) == ["9999.drop.sql: drops a table (port.site)"]


def test_an_expand_of_a_newer_version_is_named_and_a_contract_refused() -> None:
    recorded: dict[str, str] = dict(schema_changes.known())
    assert schema_changes.refuse_foreign(recorded) == ()
    recorded["9998.more"] = "expand"
    assert schema_changes.refuse_foreign(recorded) == ("9998.more",)
    recorded["9999.less"] = "contract"
    with pytest.raises(ConfigurationError, match=r"taken away what this version needs \(9999.less\)"):
        schema_changes.refuse_foreign(recorded)
