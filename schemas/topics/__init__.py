"""The topics, declared as data: one YAML file per event topic, which also declares its dead-letter topic.

The back-fill topic of each is derived: what is true of live events is true of history, but that it waits longer.

`quaystream topics apply` creates them (connectors/kafka), the worker reads which types a topic may carry.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.backfill import SUFFIX
from schemas.errors import ConfigurationError
from schemas.events import DOMAINS
from schemas.events.model import TYPE_PREFIX

FOLDER = Path(__file__).parent
DEAD_LETTERS_SUFFIX = "-dead-letters"
BACKFILL_KEPT = timedelta(days=30)
"""History is read at a limited rate: a billion records take a week at the default one."""


class _Declared(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    partitions: Annotated[int, Field(ge=1)]
    replication: Annotated[int, Field(ge=1)]
    retention_days: Annotated[int, Field(ge=1)]
    config: dict[str, str]


class _DeclaredType(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    what: str
    versions: Annotated[list[int], Field(min_length=1)]


class _DeclaredEvents(_Declared):
    name: str
    domain: str
    carries: str
    owner: str
    producers: Annotated[list[str], Field(min_length=1)]
    consumers: Annotated[list[str], Field(min_length=1)]
    key: Literal["subject"]
    types: Annotated[list[_DeclaredType], Field(min_length=1)]
    dead_letters: _Declared


class Topic(BaseModel):
    """One topic. `types` are whole CloudEvents types, empty for a dead-letter topic, which names the topic it serves.

    A back-fill topic names the event topic it stands beside; it has as many partitions, so that one worker reads both
    of an asset.

    `config` is what the broker is told, `retention.ms` among it. `replication` is the wish: a cluster
    of fewer brokers gets as many copies as it has brokers.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    name: str
    domain: str
    carries: str
    owner: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    key: str
    partitions: int
    replication: int
    retention: timedelta
    config: Mapping[str, str]
    types: tuple[str, ...] = ()
    dead_letters_of: str | None = None
    backfill_of: str | None = None

    @property
    def is_dead_letters(self) -> bool:
        return self.dead_letters_of is not None

    @property
    def dead_letters_topic(self) -> str:
        """The topic that takes this topic's refused records; a dead-letter topic has none (ValueError)."""
        if self.is_dead_letters:
            raise ValueError(f"{self.name} is itself a dead-letter topic")
        return (self.backfill_of or self.name) + DEAD_LETTERS_SUFFIX


@cache
def load_topics() -> Mapping[str, Topic]:
    """Every topic by name: the event topics in the order of the domains, then their back-fill, then their dead letters.

    Raises `ConfigurationError` where a file does not say what a topic must say.
    """
    declared = sorted((_read(path) for path in FOLDER.glob("*.yaml")), key=lambda d: DOMAINS.index(d.domain))
    events = [*map(_events, declared)]
    topics = [*events, *map(_backfill, events), *map(_dead_letters, declared)]
    return MappingProxyType({topic.name: topic for topic in topics})


def _read(path: Path) -> _DeclaredEvents:
    try:
        declared = _DeclaredEvents.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigurationError(f"schemas/topics/{path.name} is not a topic declaration: {error}") from error
    if declared.domain not in DOMAINS or path.stem != declared.name:
        raise ConfigurationError(f"schemas/topics/{path.name}: name must equal the file's, domain one of {DOMAINS}")
    return declared


def _events(declared: _DeclaredEvents) -> Topic:
    types = tuple(f"{TYPE_PREFIX}{t.what}.v{version}" for t in declared.types for version in t.versions)
    words = {name: getattr(declared, name) for name in ("name", "domain", "carries", "owner", "key")}
    return Topic(
        **words,
        producers=tuple(declared.producers),
        consumers=tuple(declared.consumers),
        types=types,
        **_broker_side(declared),
    )


def _backfill(events: Topic) -> Topic:
    return events.model_copy(
        update={
            "name": events.name + SUFFIX,
            "backfill_of": events.name,
            "carries": f"history, read at a limited rate beside {events.name}: {events.carries}",
            "producers": ("quaystream publish --backfill", "quaystream simulate --backfill", "whoever loads history"),
            "retention": BACKFILL_KEPT,
            "config": MappingProxyType({**events.config, "retention.ms": _milliseconds(BACKFILL_KEPT)}),
        }
    )


def _dead_letters(declared: _DeclaredEvents) -> Topic:
    return Topic(
        name=declared.name + DEAD_LETTERS_SUFFIX,
        domain=declared.domain,
        carries=f"records refused from {declared.name}, byte for byte, with the headers qs-reason and its companions",
        owner=declared.owner,
        producers=("quaystream worker",),
        consumers=("quaystream dead-letters", "whoever mends the source"),
        key="as the original",
        dead_letters_of=declared.name,
        **_broker_side(declared.dead_letters),
    )


def _broker_side(declared: _Declared) -> dict[str, Any]:
    retention = timedelta(days=declared.retention_days)
    config = MappingProxyType({**declared.config, "retention.ms": _milliseconds(retention)})
    return {
        "partitions": declared.partitions,
        "replication": declared.replication,
        "retention": retention,
        "config": config,
    }


def _milliseconds(span: timedelta) -> str:
    return str(span // timedelta(milliseconds=1))


EVENT_TOPICS: tuple[Topic, ...] = tuple(
    t for t in load_topics().values() if not t.is_dead_letters and t.backfill_of is None
)
BACKFILL_TOPICS: tuple[Topic, ...] = tuple(t for t in load_topics().values() if t.backfill_of is not None)
BACKFILL_OF: Mapping[str, str] = MappingProxyType({str(topic.backfill_of): topic.name for topic in BACKFILL_TOPICS})
"""The back-fill topic of each event topic."""
INGEST_TOPICS: tuple[Topic, ...] = (*EVENT_TOPICS, *BACKFILL_TOPICS)
"""What a worker reads."""
TOPIC_BY_DOMAIN: Mapping[str, Topic] = MappingProxyType({topic.domain: topic for topic in EVENT_TOPICS})
TOPIC_BY_TYPE: Mapping[str, Topic] = MappingProxyType({t: topic for topic in EVENT_TOPICS for t in topic.types})
