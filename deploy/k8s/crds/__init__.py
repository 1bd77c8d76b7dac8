"""Our manifests against the operators' own resource definitions: which field they do not know, before they are asked.

`python -m deploy.k8s.crds` takes the definitions kept here; `kubectl get crds -o yaml > crds.yaml` and
`python -m deploy.k8s.crds crds.yaml OVERLAY…` those of a cluster. A file holds one definition, several, or a list.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from deploy.k8s.render import Manifest, name_of
from schemas.errors import ConfigurationError

Schema = dict[str, Any]
Definitions = Mapping[tuple[str, str], Schema]


def definitions(files: Iterable[Path]) -> Definitions:
    """Schemas by (apiVersion, kind); raises ConfigurationError for a file that cannot be read."""
    found: dict[tuple[str, str], Schema] = {}
    for file in files:
        try:
            documents = list(yaml.load_all(file.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
        except (OSError, yaml.YAMLError) as error:
            raise ConfigurationError(f"cannot read definitions from {file}: {' '.join(str(error).split())}") from error
        found.update(entry for one in documents if one for entry in _entries(one))
    return found


def faults(manifests: Iterable[Manifest], known: Definitions) -> Iterator[str]:
    """What a definition does not allow, with where; kinds without a definition are passed over."""
    for one in manifests:
        schema = known.get((one["apiVersion"], one["kind"]))
        if schema is not None:
            for error in Draft202012Validator(schema).iter_errors(one):
                yield f"{name_of(one)}: {'.'.join(map(str, error.absolute_path)) or 'it'}: {error.message[:200]}"


def _entries(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Schema]]:
    for one in document.get("items", [document]):
        if one.get("kind") == "CustomResourceDefinition":
            spec = one["spec"]
            for version in spec["versions"]:
                key = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                yield key, _closed(version["schema"]["openAPIV3Schema"], root=True)


def _closed(schema: Schema, *, root: bool = False) -> Schema:
    """The API server drops what a schema does not know; here that is a fault. Also: int-or-string, nullable."""
    made = {name: value for name, value in schema.items() if name not in ("properties", "items", "format")}
    if "properties" in schema:
        made["properties"] = {name: _closed(inner) for name, inner in schema["properties"].items()}
        if root:
            made["properties"] |= {"metadata": {"type": "object"}}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    if isinstance(schema.get("items"), dict):
        made["items"] = _closed(schema["items"])
    if schema.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    if schema.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
    return made


def undefined(manifests: Iterable[Manifest], known: Definitions) -> Iterator[str]:
    """Manifests of operators whose kind no definition describes: they would be passed over in silence."""
    for one in manifests:
        group = one["apiVersion"].partition("/")[0]
        if "." in group and not group.endswith("k8s.io") and (one["apiVersion"], one["kind"]) not in known:
            yield f"{name_of(one)}: no definition of {one['apiVersion']} {one['kind']}"
