"""The database and its roles in the composed stack: `python -m deploy.compose.roles`, run once by its service.

Where the server is comes from ROLES_SERVER (host:port), the passwords from /run/secrets.
"""

import os
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg

from deploy.local.roles import create_roles

SECRETS = Path("/run/secrets")


def secret(name: str) -> str:
    return (SECRETS / name).read_text().strip()


def superuser_url(database: str) -> str:
    password = quote(secret("superuser"), safe="")
    return f"postgresql://postgres:{password}@{os.environ['ROLES_SERVER']}/{database}"


def main() -> int:
    """Exit 0 when roles, passwords, database and extensions are as they must be; 2 or 3 with one line else."""
    try:
        create_roles(superuser_url, secret)
    except (OSError, KeyError) as error:
        print(f"roles: cannot be made: {error}", file=sys.stderr)
        return 2
    except psycopg.OperationalError as error:
        print(f"roles: the database does not answer: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
