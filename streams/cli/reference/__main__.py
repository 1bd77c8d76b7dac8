"""`python -m streams.cli.reference [--check]`: exit 0 when all is written or nothing differs, 1 with what differs."""

import argparse
import sys

from streams.cli.reference import differences, write


def main() -> int:
    """Write the pages, or with `--check` only list those that differ."""
    parser = argparse.ArgumentParser(prog="python -m streams.cli.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and list what differs")
    if not parser.parse_args().check:
        sys.stdout.writelines(f"written: {name}\n" for name in write())
        return 0
    differing = differences()
    sys.stdout.writelines(f"differs: {name} (mend it with: python -m streams.cli.reference)\n" for name in differing)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
