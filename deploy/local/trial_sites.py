"""Declares more sites in the local stack's database than the product has: `python -m deploy.local.trial_sites 22`.

For a board and dashboards with as many sites as `quaystream simulate --sites 22` plays. Only ever adds.
"""

import sys

import psycopg

from connectors.timescale.reference import apply_reference
from schemas.errors import ConfigurationError, QuaystreamError
from schemas.reference.trial import trial_sites

_USAGE = "name how many sites: python -m deploy.local.trial_sites 22"


def declare(url: str, count: int) -> None:
    """Write the first `count` sites to the migrated database at `url`, as its owner.

    Raises `ConfigurationError` where there are not so many.
    """
    with psycopg.connect(url) as connection:
        apply_reference(connection, trial_sites(count))


def main(arguments: list[str]) -> int:
    """Exit codes as of the command: 0 done, 2 usage, 3 no database."""
    from streams.settings import load_settings

    try:
        if len(arguments) != 1 or not arguments[0].isdecimal():
            raise ConfigurationError(_USAGE)
        declare(load_settings().owner_dsn(), int(arguments[0]))
    except QuaystreamError as error:
        print(f"quaystream: {error}", file=sys.stderr)
        return error.exit_code
    except psycopg.OperationalError as error:
        print(f"quaystream: no answer from the database: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
