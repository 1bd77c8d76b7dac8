"""The SLA profiles in the database: added by a migration, never changed."""

from collections.abc import Sequence

import psycopg
from psycopg.types.json import Jsonb

from schemas.errors import ConfigurationError
from schemas.sla import Profile, load_profiles

_KNOWN = "SELECT profile || '@' || version, digest FROM kpi.sla_profile"
_INSERT = """
INSERT INTO kpi.sla_profile (profile, version, title, source, since, target, asks, digest)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (profile, version) DO NOTHING
"""


def apply_profiles(
    connection: psycopg.Connection[tuple[object, ...]], profiles: Sequence[Profile] | None = None
) -> None:
    """Add the profiles that are not there yet, in the caller's transaction: no row ever changes.

    Raises ConfigurationError when a profile says something else than the database knows under its version.
    """
    found = load_profiles() if profiles is None else profiles
    known = {str(name): str(digest) for name, digest in connection.execute(_KNOWN)}
    changed = [one.name for one in found if known.get(one.name, one.digest) != one.digest]
    if changed:
        raise ConfigurationError(
            f"schemas/sla says something else than the database about {', '.join(changed)}: "
            "restore the text, or give the changed profile a new version"
        )
    rows = [
        (
            *(one.profile_id, one.version, one.title, one.source, one.since, one.target),
            *(Jsonb(one.model_dump(mode="json", by_alias=True)), one.digest),
        )
        for one in found
    ]
    connection.cursor().executemany(_INSERT, rows)
