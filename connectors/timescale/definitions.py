"""Brings `kpi.definition` to what schemas/kpi says: a new version adds a row, no row ever changes."""

from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from schemas.errors import ConfigurationError
from schemas.kpi import Definition, load_definitions

_KNOWN = "SELECT kpi_id || '@' || kpi_version, digest FROM kpi.definition"
_INSERT = """
INSERT INTO kpi.definition (kpi_id, kpi_version, domain, grain, title, unit, formula, numerator, denominator, factor, n,
    square, compare, better, exclusions, time_base, source, since, digest)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (kpi_id, kpi_version) DO NOTHING
"""


def apply_definitions(
    connection: psycopg.Connection[tuple[Any, ...]], definitions: tuple[Definition, ...] | None = None
) -> None:
    """Add what is not there yet, in the caller's transaction.

    Raises ConfigurationError when a definition says something else than the database knows under its version.
    """
    found = load_definitions() if definitions is None else definitions
    known: dict[str, str] = {str(name): str(digest) for name, digest in connection.execute(_KNOWN)}
    changed = [one.name for one in found if known.get(one.name, one.digest) != one.digest]
    if changed:
        raise ConfigurationError(
            f"schemas/kpi says something else than the database about {', '.join(changed)}: "
            "restore the text, or give the changed definition a new version"
        )
    connection.cursor().executemany(_INSERT, [_row(one) for one in found])


def _row(one: Definition) -> tuple[object, ...]:
    said = (one.kpi_id, one.version, one.domain, one.grain, one.title, one.unit, one.formula)
    inputs = (one.inputs.numerator, one.inputs.denominator, one.inputs.factor, one.inputs.n, one.inputs.square)
    exclusions = Jsonb(list(one.exclusions))
    return (*said, *inputs, one.compare, one.better, exclusions, one.time_base, one.source, one.since, one.digest)
