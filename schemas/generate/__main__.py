"""`python -m schemas.generate [--check]`: exit 0 when all is written or nothing differs, 1 with what differs."""

import argparse
import sys

from schemas.errors import QuaystreamError
from schemas.generate import differences, write


def main() -> int:
    """Write the generated files, or with `--check` only list those that differ."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and list what differs")
    check = parser.parse_args().check
    try:
        return _run(check=check)
    except QuaystreamError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def _run(*, check: bool) -> int:
    if not check:
        sys.stdout.writelines(f"written: {name}\n" for name in write())
        return 0
    differing = differences()
    sys.stdout.writelines(f"differs: {name} (mend it with: python -m schemas.generate)\n" for name in differing)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
