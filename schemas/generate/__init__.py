"""Everything that is derived from the models and catalogues: JSON Schemas, the AsyncAPI and OpenAPI documents, reference pages.

`python -m schemas.generate` writes them, `--check` says what differs. Same sources, same bytes.
"""

from collections.abc import Iterator
from pathlib import Path

from schemas.derived import classified_tables
from schemas.generate import asyncapi, counters, jsonschemas, kpis, openapi, openapi_share, reference, sla

ROOT = Path(__file__).parents[2]
JSONSCHEMA_FOLDER = "schemas/jsonschema"
ASYNCAPI_FILE = "schemas/asyncapi.yaml"
OPENAPI_FILE = "schemas/openapi.json"
OPENAPI_SHARE_FILE = "schemas/openapi-share.json"
REFERENCE_FOLDER = "docs/reference"


def generated() -> dict[str, str]:
    """The text of every generated file by its path in the repository.

    Raises ConfigurationError where a field or column has no class: nothing is published unclassified.
    """
    classified_tables()
    return {
        **{f"{JSONSCHEMA_FOLDER}/{name}.json": text for name, text in jsonschemas.files().items()},
        ASYNCAPI_FILE: asyncapi.text(),
        OPENAPI_FILE: openapi.text(),
        OPENAPI_SHARE_FILE: openapi_share.text(),
        **{f"{REFERENCE_FOLDER}/{name}.md": text for name, text in reference.pages().items()},
        f"{REFERENCE_FOLDER}/kpis.md": kpis.page(),
        f"{REFERENCE_FOLDER}/counters.md": counters.page(),
        f"{REFERENCE_FOLDER}/sla.md": sla.page(),
    }


def write(root: Path = ROOT) -> list[str]:
    """Write what differs under `root` and remove schemas of types that are no more; returns what was touched."""
    files = generated()
    touched = differences(root)
    for name in touched:
        path = root / name
        if name in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name], encoding="utf-8", newline="\n")
        else:
            path.unlink()
    return touched


def differences(root: Path = ROOT) -> list[str]:
    """The generated files that are missing, differ, or have no source any more."""
    files = generated()
    differing = [name for name, text in files.items() if _read(root / name) != text]
    return sorted([*differing, *(name for name in _schemas_on_disk(root) if name not in files)])


def _read(path: Path) -> str | None:
    return path.read_bytes().decode() if path.exists() else None


def _schemas_on_disk(root: Path) -> Iterator[str]:
    return (path.relative_to(root).as_posix() for path in (root / JSONSCHEMA_FOLDER).glob("*.json"))
