"""Which statements of a migration would break a program of the version before: the rule of docs/adr/0024, as a check.

`python -m connectors.timescale.contraction` reads all migrations, exit 1 with a line for each that is refused. It reads
SQL as text: what a function does when it is called later is not looked at, what a DO block does now is.
"""

import json
import re
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from connectors.timescale.schema_changes import MIGRATIONS, kind_of

RELEASED: Final = Path(__file__).parent / "released.json"
_ALTER: Final = r"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?(?P<name>[\w.]+) "
_ANY: Final = r"ALTER (?:MATERIALIZED )?\w+ (?:IF EXISTS )?(?:ONLY )?(?P<name>[\w.]+)[^;]*? "
_DROP: Final = r"DROP (?:MATERIALIZED |FOREIGN )?"
_GONE: Final = r"(?: IF EXISTS)? (?P<name>[\w.]+)"
_BREAKS: Final = {
    what: re.compile(pattern, re.IGNORECASE)
    for what, pattern in {
        "drops a table": rf"{_DROP}TABLE{_GONE}",
        "drops a schema": rf"{_DROP}SCHEMA{_GONE}",
        "drops a view": rf"{_DROP}VIEW{_GONE}",
        "drops a function": rf"{_DROP}(?:FUNCTION|PROCEDURE|AGGREGATE){_GONE}",
        "drops a type": rf"{_DROP}(?:TYPE|DOMAIN){_GONE}",
        "drops an index, which an upsert may need": rf"{_DROP}INDEX(?: CONCURRENTLY)?{_GONE}",
        "drops a constraint, which an upsert may need": rf"{_ALTER}DROP CONSTRAINT",
        "drops a column": rf"{_ALTER}DROP (?:COLUMN )?(?:IF EXISTS )?(?!(?:CONSTRAINT|COLUMN|IF)\b)(?P<column>\w+)",
        "drops a default, which an insert may need": rf"{_ALTER}ALTER (?:COLUMN )?\w+ DROP DEFAULT",
        "renames": rf"{_ANY}RENAME (?:COLUMN |CONSTRAINT )?(?:(?P<column>(?!TO\b)\w+) )?TO\b",
        "moves to another schema": rf"{_ANY}SET SCHEMA\b",
        "changes a column's type": rf"{_ALTER}ALTER (?:COLUMN )?(?P<column>\w+) (?:SET DATA )?TYPE\b",
        "asks for a value where there was none": rf"{_ALTER}ALTER (?:COLUMN )?\w+ SET NOT NULL",
        "adds a column that every insert must give": (
            rf"{_ALTER}ADD (?:COLUMN )?(?!CONSTRAINT\b)(?!.*\b(?:DEFAULT|GENERATED)\b)\w+ .*\bNOT NULL\b"
        ),
        "adds a constraint": rf"{_ALTER}ADD (?:CONSTRAINT|PRIMARY KEY|UNIQUE|CHECK|FOREIGN KEY|EXCLUDE)\b",
        "adds a unique index": (
            r"CREATE UNIQUE INDEX (?:CONCURRENTLY )?(?:IF NOT EXISTS )?\w+ ON (?:ONLY )?(?P<name>[\w.]+)"
        ),
        "rewrites a table": r"(?:VACUUM \(?FULL\)?|CLUSTER) (?P<name>[\w.]+)",
        "puts a table elsewhere": rf"{_ALTER}SET (?:LOGGED|UNLOGGED|TABLESPACE|ACCESS METHOD)\b",
        "removes or changes rows": r"(?:DELETE FROM|TRUNCATE(?: TABLE)?|UPDATE) (?:ONLY )?(?P<name>[\w.]+)",
        "takes a right from the worker": (
            r"REVOKE .*? ON (?:TABLE |FUNCTION )?(?P<name>[\w.]+).* FROM .*\bquaystream_worker\b"
        ),
    }.items()
}
# Landed before the rule, each with its reason: called by nothing but what the same migration replaces.
_LANDED: Final = {
    "0031.completeness.sql: drops a function (kpi.sequences)",
    # One more kind is allowed than before: what the version before writes still is.
    "0053.sla-hours.sql: drops a constraint, which an upsert may need (kpi.stale_hour)",
    "0053.sla-hours.sql: adds a constraint (kpi.stale_hour)",
}
_TAKES: Final = ("drops a table", "drops a column", "renames", "changes a column's type", "moves to another schema")
_MADE: Final = re.compile(
    r"CREATE (?:OR REPLACE )?(?:TEMPORARY |UNLOGGED |MATERIALIZED )?(?:TABLE|VIEW|FUNCTION|PROCEDURE|TYPE)"
    r" (?:IF NOT EXISTS )?([\w.]+)",
    re.IGNORECASE,
)
# In these words a list of objects or actions follows, parted by commas.
_LISTS: Final = re.compile(
    r"(?P<head>(?:ALTER TABLE (?:IF EXISTS )?(?:ONLY )?[\w.]+|DROP (?:MATERIALIZED )?\w+(?: IF EXISTS)?) )(?P<rest>.*)",
    re.IGNORECASE,
)


def contractions(text: str) -> list[str]:
    """What a program of the version before could trip over, a line each; nothing of what the same text makes."""
    found = list(statements(text))
    made = {name.lower() for statement in found for name in _MADE.findall(statement)}
    return [
        f"{what} ({match['name']})"
        for statement in found
        for what in _BREAKS
        for match in _said(what, statement)
        if match["name"].lower() not in made
    ]


def refusals(text: str, released: Collection[str]) -> list[str]:
    """Why a migration is refused; nothing when it may land.

    An expand breaks nothing. A contract may, except what the released version uses: `table` or `table.column`.
    """
    if kind_of(text) == "expand":
        return contractions(text)
    return [f"the released version still uses {name}" for name in _taken(text) if name in released]


def statements(text: str) -> Iterator[str]:
    """Statements on one line each, without comments; bodies in dollars are left out, but for those of DO."""
    bare = re.sub(r"--[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    doing = re.findall(r"\bDO\s+(?:LANGUAGE\s+\w+\s+)?(\$\w*\$)(.*?)\1", bare, re.DOTALL | re.IGNORECASE)
    # What is quoted is text here, and SQL inside of DO.
    outside = re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"(\$\w*\$).*?\1", "$$", bare, flags=re.DOTALL))
    for piece in (outside, *(body for _, body in doing)):
        for statement in piece.split(";"):
            yield from _parts(" ".join(statement.split()))


def released() -> set[str]:
    """Tables, and columns as `table.column`, that the released version reads or writes."""
    tables = json.loads(RELEASED.read_text(encoding="utf-8"))["tables"]
    return set(tables) | {f"{table}.{column}" for table, columns in tables.items() for column in columns}


def _parts(statement: str) -> Iterator[str]:
    """`ALTER TABLE t a, b` does two things, `DROP TABLE a, b` too."""
    found = _LISTS.search(statement)
    if found is None:
        yield from filter(None, [statement])
        return
    for part in re.split(r",(?![^(]*\))", found["rest"]):
        yield f"{statement[: found.start()]}{found['head']}{part.strip()}"


def _said(what: str, statement: str) -> Iterator["re.Match[str]"]:
    for match in _BREAKS[what].finditer(statement):
        before = statement[: match.start()].upper().rstrip()
        # What may be done, and what an insert does with a row of its own, is nothing that happens now.
        if not before.startswith(("GRANT", "REVOKE", "CREATE")) and not before.endswith((" DO", " FOR", " ON")):
            yield match


def _taken(text: str) -> Iterator[str]:
    """What is gone afterwards under its name, as `released` names it."""
    for statement in statements(text):
        for match in (match for what in _TAKES for match in _said(what, statement)):
            column = match.groupdict().get("column")
            yield f"{match['name']}.{column}" if column else match["name"]


def refused(folder: Path = MIGRATIONS) -> list[str]:
    """`file: why` for every refusal among the migrations of a folder."""
    uses = released()
    lines = [
        f"{file.name}: {why}"
        for file in sorted(folder.glob("*/*.sql"))
        for why in refusals(file.read_text(encoding="utf-8"), uses)
    ]
    return [line for line in lines if line not in _LANDED]


def main() -> int:
    """Exit 1 when a migration is refused."""
    found = refused()
    print("\n".join(found) or "every migration leaves the version before what it needs")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
