"""Exit 0 when every policy is kept, 1 with a line for each that is not, 2 when an overlay cannot be rendered."""

import sys
from pathlib import Path

from deploy.k8s.policy import violations
from deploy.k8s.render import FOLDER, OVERLAYS, render
from schemas.errors import QuaystreamError


def main(folders: list[Path]) -> int:
    """Check the folders, all overlays when none is named."""
    found = [
        f"{folder.name}: {line}"
        for folder in folders or [FOLDER / "overlays" / name for name in OVERLAYS]
        for line in violations(render(folder))
    ]
    print("\n".join(found) or "every policy is kept")
    return int(bool(found))


if __name__ == "__main__":
    try:
        sys.exit(main([Path(name) for name in sys.argv[1:]]))
    except QuaystreamError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
