"""The manifests of an overlay as data: `python -m deploy.k8s.render FOLDER` prints them.

Rendered by kubectl where its kustomize is version 5, else by kustomize itself, built once into the cache.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from deploy.local.home import downloads, locked
from deploy.local.packages import find, run
from schemas.errors import ConfigurationError, QuaystreamError

FOLDER = Path(__file__).parent
OVERLAYS = ("single", "port-cluster")
MAJOR = 5
Manifest = dict[str, Any]


def render(folder: Path) -> list[Manifest]:
    """Every manifest; raises ConfigurationError with kustomize's own words when the folder is not right."""
    result = subprocess.run([*_renderer(), str(folder)], capture_output=True, text=True, check=False)
    if result.returncode:
        raise ConfigurationError(f"cannot render {folder}: {' '.join(result.stderr.split())}")
    return list(yaml.load_all(result.stdout, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def name_of(manifest: Manifest) -> str:
    """`Kind/name`, as it is told to people."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def _renderer() -> list[str]:
    kubectl = find("kubectl")
    if kubectl and _kustomize_in(kubectl) >= MAJOR:
        return [kubectl, "kustomize"]
    own = downloads() / "tools" / "kustomize"
    with locked(downloads() / ".kustomize.lock"):
        if not own.exists():
            run(["sh", str(FOLDER / "kustomize.sh")], "build kustomize")
    return [str(own), "build"]


def _kustomize_in(kubectl: str) -> int:
    """The major version of the kustomize inside, 0 where it does not say (as Debian 12's does not)."""
    told = subprocess.run([kubectl, "version", "--client", "-o", "json"], capture_output=True, text=True, check=False)
    try:
        return int(json.loads(told.stdout)["kustomizeVersion"].removeprefix("v").partition(".")[0])
    except (ValueError, LookupError, TypeError):
        return 0


if __name__ == "__main__":
    try:
        print(yaml.safe_dump_all(render(Path(sys.argv[1])), sort_keys=False), end="")
    except QuaystreamError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
