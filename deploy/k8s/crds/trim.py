"""Definitions as their operators publish them, made small: `python -m deploy.k8s.crds.trim FILE…` writes them here.

Descriptions, status and rules in CEL go; every field with its type, values and bounds stays. deploy/k8s/crds/README.md says
whose they are and of which version.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
_DROPPED = ("x-kubernetes-validations", "example", "externalDocs")


def trimmed(definition: dict[str, Any]) -> dict[str, Any]:
    """The same definition with what the check reads."""
    spec = definition["spec"]
    versions = [
        {"name": one["name"], "schema": {"openAPIV3Schema": _schema(one["schema"]["openAPIV3Schema"], root=True)}}
        for one in spec["versions"]
        if one["served"]
    ]
    kept = {"group": spec["group"], "names": {"kind": spec["names"]["kind"]}, "versions": versions}
    return {"kind": "CustomResourceDefinition", "metadata": {"name": definition["metadata"]["name"]}, "spec": kept}


def _schema(node: Any, *, root: bool = False) -> Any:
    """Of fields named `description` the schema stays; texts that describe go."""
    if isinstance(node, list):
        return [_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {
        name: _schema(one)
        for name, one in node.items()
        if name not in _DROPPED and not (name == "description" and isinstance(one, str))
    }
    if root:
        kept.get("properties", {}).pop("status", None)
    return kept


def main(files: list[str]) -> int:
    """Write one file for each definition, named after it."""
    for file in files:
        for one in yaml.load_all(Path(file).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
            if one and one.get("kind") == "CustomResourceDefinition":
                path = FOLDER / f"{one['metadata']['name']}.yaml"
                text = yaml.dump(
                    trimmed(one), Dumper=yaml.CSafeDumper, sort_keys=False, default_flow_style=None, width=160
                )
                path.write_text(text, encoding="utf-8", newline="\n")
                print(f"written: {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
