"""The migrations as text: read whole, forward only, and the same days on both editions."""

import re

import pytest

from connectors.timescale.extract import personal_columns
from connectors.timescale.migrate import MIGRATIONS, read_migrations
from schemas.tables import RAW_TABLES, ROLLUPS

FILES = sorted(MIGRATIONS.glob("*/*.sql"))


def code(text: str) -> str:
    """SQL without comments."""
    return re.sub(r"--[^\n]*", "", text)


def statements(text: str) -> list[str]:
    """Split at semicolons outside of $$ bodies; by another way than the migration tool's."""
    pieces, inside = [""], False
    for part in re.split(r"(\$\$|;)", code(text)):
        inside ^= part == "$$"
        pieces[-1] += part
        if part == ";" and not inside:
            pieces.append("")
    return [piece.strip() for piece in pieces if piece.strip()]


@pytest.mark.parametrize("edition", ["apache", "timescale"])
def test_every_statement_of_every_file_is_read(edition: str) -> None:
    expected = {file.stem: statements(file.read_text()) for file in FILES}
    migrations = read_migrations(edition)
    for migration in migrations:
        migration.load()
        read = [code(step.step._apply).strip() for step in migration.steps]
        assert read == expected[migration.id]
    folders = {"core"} if edition == "apache" else {"core", "timescale"}
    assert {migration.id for migration in migrations} == {file.stem for file in FILES if file.parent.name in folders}


def test_migrations_are_forward_only() -> None:
    assert not list(MIGRATIONS.glob("*/*.rollback.sql"))


def test_core_migrations_use_nothing_of_the_licensed_edition() -> None:
    licensed = re.compile(r"timescaledb\.(compress|continuous)|add_\w*policy|add_job|time_bucket_gapfill")
    for file in FILES:
        assert (licensed.search(file.read_text()) is not None) == (file.parent.name == "timescale"), file.name


def test_days_are_the_same_on_both_editions() -> None:
    views, aggregates = (
        {
            name: query.removesuffix("WITH NO DATA;").rstrip(";\n")
            for name, query in re.findall(r"VIEW (port\.\w+_day)\b[^;]*?AS\n(SELECT.*?;)", text, re.DOTALL)
        }
        for text in (
            (MIGRATIONS / "core" / "0011.days.sql").read_text(),
            (MIGRATIONS / "timescale" / "t0003.continuous-days.sql").read_text(),
        )
    )
    assert sorted(views) == sorted(rollup.hour.replace("_hour", "_day") for rollup in ROLLUPS)
    assert views == aggregates


def test_every_raw_table_is_compressed_by_its_asset() -> None:
    text = "\n".join(file.read_text() for file in sorted((MIGRATIONS / "timescale").glob("*.sql")))
    declared = set(re.findall(r"ALTER TABLE (\S+) SET .*compress_segmentby = '(\w+)'", text))
    assert declared == {(table.name, table.asset) for table in RAW_TABLES}
    assert set(re.findall(r"add_compression_policy\('(\S+)'", text)) == {table.name for table in RAW_TABLES}


def test_personal_columns_are_known_by_their_models() -> None:
    found = {table.name: personal_columns(table.name) for table in RAW_TABLES if personal_columns(table.name)}
    assert found == {
        "port.crane_assignment": {"operator_ref"},
        "port.gate_step": {"truck_plate"},
        "port.ocr_read": {"value", "corrected_value"},
    }
