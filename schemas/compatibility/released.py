"""Released versions of the event types: kept as one file each, compared with what is there now."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from schemas.compatibility.schemas import Schema, schema_breaks
from schemas.errors import ConfigurationError
from schemas.events import MODELS
from schemas.generate.jsonschemas import ENVELOPE, envelope_schema, schema_of
from schemas.topics import load_topics

FOLDER: Final = Path(__file__).parents[1] / "released"
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Published:
    """What publishers rely on: the event types of each topic, and the schema of each type and of the envelope."""

    topics: Mapping[str, list[str]]
    schemas: Mapping[str, Schema]


def published_now() -> Published:
    """What the models and topics of this tree publish."""
    schemas = {name: schema_of(model) for name, model in sorted(MODELS.items())} | {ENVELOPE: envelope_schema()}
    topics = {name: sorted(topic.types) for name, topic in sorted(load_topics().items()) if topic.types}
    return Published(topics, schemas)


def load_releases(folder: Path = FOLDER) -> dict[str, Published]:
    """Every released version, oldest first. Raises `ConfigurationError` where a file cannot be read as one."""
    files = sorted(folder.glob("*.json"), key=lambda file: _order(file.stem))
    return {file.stem: _read(file) for file in files}


def release(version: str, folder: Path = FOLDER) -> Path:
    """Keep what is published now as `version`; what was released before is never written again."""
    _order(version)
    path = folder / f"{version}.json"
    if path.exists():
        raise ConfigurationError(f"{version} is released; give --release the next version")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(published_now()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def breaks_since(releases: Mapping[str, Published], now: Published) -> list[str]:
    """Every break with the versions that promised otherwise, in words."""
    found: dict[str, list[str]] = {}
    for version, before in releases.items():
        for words in dict.fromkeys(_breaks(before, now)):
            found.setdefault(words, []).append(version)
    return [f"{words} (released in {', '.join(versions)})" for words, versions in found.items()]


def _breaks(before: Published, now: Published) -> Iterator[str]:
    for name, schema in before.schemas.items():
        if name not in now.schemas:
            yield f"event type {name} is no more"
        else:
            yield from schema_breaks("the envelope" if name == ENVELOPE else name, schema, now.schemas[name])
    for topic, types in before.topics.items():
        if topic not in now.topics:
            yield f"topic {topic} is no more"
            continue
        gone = (name for name in types if name in now.schemas and name not in now.topics[topic])
        yield from (f"topic {topic} no longer takes {name}" for name in gone)


def _order(version: str) -> tuple[int, ...]:
    if not _VERSION.fullmatch(version):
        raise ConfigurationError(f"{version} is no version: write it as 1.2.3")
    return tuple(map(int, version.split(".")))


def _read(file: Path) -> Published:
    try:
        return Published(**json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{file} is no released version: {error}") from error
