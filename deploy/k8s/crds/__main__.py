"""Exit 0 when every manifest is as its operator wants it, 1 with one line each else, 2 when something cannot be read."""

import sys
from pathlib import Path

from deploy.k8s.crds import definitions, faults, undefined
from deploy.k8s.crds.trim import FOLDER
from deploy.k8s.render import FOLDER as MANIFESTS
from deploy.k8s.render import OVERLAYS, render
from schemas.errors import QuaystreamError


def main(arguments: list[str]) -> int:
    """Files of definitions (those kept here where none is named) and folders (all overlays where none is named)."""
    files = [Path(name) for name in arguments if name.endswith((".yaml", ".yml"))]
    folders = [Path(name) for name in arguments if not name.endswith((".yaml", ".yml"))]
    known = definitions(files or sorted(FOLDER.glob("*.yaml")))
    found, kinds = [], set()
    for folder in folders or [MANIFESTS / "overlays" / name for name in OVERLAYS]:
        manifests = render(folder)
        kinds |= {one["kind"] for one in manifests if (one["apiVersion"], one["kind"]) in known}
        wrong = [*undefined(manifests, known), *faults(manifests, known)]
        found += [f"{folder.name}: {line}" for line in wrong]
    print("\n".join(found) or f"as their operators want it: {', '.join(sorted(kinds))}")
    return int(bool(found))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except QuaystreamError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
