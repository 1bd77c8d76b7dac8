"""`python -m schemas.compatibility [--release VERSION]`: exit 0 when all that was released still holds, 1 with what does not."""

import argparse
import sys
from pathlib import Path

from schemas.compatibility import FOLDER, breaks_since, load_releases, published_now, release
from schemas.errors import QuaystreamError


def main() -> int:
    """Compare with every released version, or with `--release` keep what is there now as one more."""
    parser = argparse.ArgumentParser(prog="python -m schemas.compatibility", description=__doc__)
    parser.add_argument("--release", metavar="VERSION", help="keep what is published now, such as 1.2.0")
    parser.add_argument("--folder", metavar="FOLDER", type=Path, default=FOLDER, help="where the releases are kept")
    said = parser.parse_args()
    try:
        return _release(said.release, said.folder) if said.release else _check(said.folder)
    except QuaystreamError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def _check(folder: Path) -> int:
    breaks = breaks_since(load_releases(folder), published_now())
    sys.stdout.writelines(f"breaks: {words}\n" for words in breaks)
    if breaks:
        sys.stdout.write("Mend it, or publish the change as the next version of the event type (v2 beside v1).\n")
    return 1 if breaks else 0


def _release(version: str, folder: Path) -> int:
    outcome = _check(folder)
    if outcome == 0:
        sys.stdout.write(f"written: {release(version, folder)}\n")
    return outcome


if __name__ == "__main__":
    sys.exit(main())
