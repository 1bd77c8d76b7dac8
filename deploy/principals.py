"""Who may do what at the brokers, from `principals.yaml`: rights, proofs and the sources somebody speaks for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import ConfigurationError
from schemas.topics import BACKFILL_TOPICS, EVENT_TOPICS, load_topics

FILE: Final = Path(__file__).with_name("principals.yaml")
EVERYBODY: Final = "everybody"
_KINDS: Final = ("events", "backfill", "dead-letters")

Operation = Literal[
    "Read", "Write", "Create", "Delete", "Alter", "AlterConfigs", "Describe", "DescribeConfigs"
]  # fmt: skip
Proof = Literal["certificate", "password"]


@dataclass(frozen=True, order=True)
class Right:
    """What may be done with one topic or group, by its literal name."""

    kind: Literal["topic", "group"]
    name: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Principal:
    """One name at the brokers. `speaks_for` is a `source`, `EVERYBODY` or None."""

    name: str
    proofs: tuple[Proof, ...]
    speaks_for: str | None
    rights: tuple[Right, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Rule(_Part):
    topics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    do: Annotated[tuple[Operation, ...], Field(min_length=1)]


class _Declared(_Part):
    proofs: Annotated[tuple[Proof, ...], Field(min_length=1)]
    speaks_for: Annotated[str, Field(pattern=r"^(/\S+|everybody)$")] | None = None
    may: tuple[_Rule, ...]


def load_principals(file: Path = FILE) -> Mapping[str, Principal]:
    """The principals of a file by name. Raises ConfigurationError."""
    try:
        declared = {name: _Declared.model_validate(body) for name, body in yaml.safe_load(file.read_text()).items()}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {file} ({getattr(error, 'strerror', None) or 'not text'})") from error
    except (yaml.YAMLError, AttributeError, ValidationError) as error:
        raise ConfigurationError(f"{file} does not say who may do what: {_first_line(error)}") from error
    return {name: _principal(file, name, body) for name, body in declared.items()}


def _principal(file: Path, name: str, body: _Declared) -> Principal:
    if name == "broker" or not name.replace("-", "").isalnum():
        raise ConfigurationError(f"{file}: {name!r} cannot be a principal: use letters, digits and -, and not `broker`")
    rights = [right for rule in body.may for right in _rights(file, rule)]
    return Principal(name, body.proofs, body.speaks_for, tuple(rights))


def _rights(file: Path, rule: _Rule) -> Iterator[Right]:
    for word in rule.topics:
        for topic in _topics(file, word):
            yield Right("topic", topic, rule.do)
    for group in rule.groups:
        yield Right("group", group, rule.do)


def _topics(file: Path, word: str) -> list[str]:
    topics = load_topics()
    if word in topics:
        return [word]
    if word not in _KINDS:
        raise ConfigurationError(f"{file}: {word!r} is no topic of schemas/topics, nor one of {', '.join(_KINDS)}")
    kinds = {"events": EVENT_TOPICS, "backfill": BACKFILL_TOPICS}
    dead_letters = [topic for topic in topics.values() if topic.is_dead_letters]
    return [topic.name for topic in kinds.get(word, dead_letters)]


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error).splitlines()[0]
