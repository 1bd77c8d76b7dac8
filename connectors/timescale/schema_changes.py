"""What changed the schema, and whether a program that does not know a change may go on (docs/adr/0024).

A migration is an expand, unless a comment line of its own says `-- contract: VERSION`: the first version that needs
nothing of what it takes away. `migrate` writes every migration's kind down, where workers of any version read it.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import psycopg

from schemas.errors import ConfigurationError

MIGRATIONS: Final = Path(__file__).parent / "migrations"
READ: Final = "SELECT id, kind FROM ingest.schema_change"
Kind = Literal["expand", "contract"]
_CONTRACT: Final = re.compile(r"^-- contract: (\d\S*)$", re.MULTILINE)
_RECORD: Final = """
INSERT INTO ingest.schema_change (id, kind) SELECT * FROM unnest(%s::text[], %s::text[]) ON CONFLICT (id) DO NOTHING
"""


def kind_of(text: str) -> Kind:
    """The kind of a migration by its text."""
    return "contract" if _CONTRACT.search(text) else "expand"


def known() -> dict[str, Kind]:
    """The kind of every migration that this version has, both editions, by its id."""
    return {file.stem: kind_of(file.read_text(encoding="utf-8")) for file in MIGRATIONS.glob("*/*.sql")}


def needed() -> set[str]:
    """The ids of the migrations that every database of this version has."""
    return {file.stem for file in MIGRATIONS.glob("core/*.sql")}


def record(connection: "psycopg.Connection[tuple[Any, ...]]", applied: Collection[str]) -> None:
    """Write down what the database has; as the owner, after migrations."""
    kinds = known()
    names = sorted(applied)
    connection.execute(_RECORD, (names, [kinds[name] for name in names]))


def refuse_foreign(recorded: Mapping[str, str]) -> tuple[str, ...]:
    """The changes of a newer version that leave this one everything it needs.

    Raises ConfigurationError when one of them took something away.
    """
    foreign = sorted(set(recorded) - set(known()))
    contracts = [name for name in foreign if recorded[name] == "contract"]
    if contracts:
        raise ConfigurationError(
            f"a newer quaystream has taken away what this version needs ({', '.join(contracts)}): start the newer version"
        )
    return tuple(foreign)
