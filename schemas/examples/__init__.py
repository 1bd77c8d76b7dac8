"""Examples: one record a file, valid ones, and invalid ones with the reason they must get (README.md)."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from schemas.outcome import Reason
from schemas.topics import EVENT_TOPICS

FOLDER: Final = Path(__file__).parent
APPENDED_AT: Final = datetime(2026, 11, 24, 2, 0, 10, tzinfo=UTC)
"""The broker's append time of every example; with the default settings it decides about skew and age."""

Mode = Literal["structured", "binary", "raw"]


@dataclass(frozen=True, slots=True)
class Example:
    """One record and what must become of it: `expected` is a reason, or None when it must be accepted."""

    path: Path
    topic: str
    mode: Mode
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None
    expected: Reason | None

    @property
    def name(self) -> str:
        """`crane-events/v1/invalid/bad_subject--missing`."""
        return self.path.relative_to(FOLDER).with_suffix("").as_posix()


def load_examples() -> list[Example]:
    """Every example of every topic, by path. Raises `ValueError` for a file whose reason is not in the closed list."""
    return [read_example(path, topic.name) for topic in EVENT_TOPICS for path in example_files(topic.name)]


def example_files(topic: str) -> list[Path]:
    """The example files of one topic."""
    return sorted((FOLDER / topic / "v1").glob("*valid/*.json"))


def read_example(path: Path, topic: str) -> Example:
    """The example in `path`, a record of `topic`."""
    document = json.loads(path.read_text(encoding="utf-8"))
    key = document.get("key")
    return Example(
        path=path,
        topic=topic,
        mode=document["mode"],
        key=None if key is None else key.encode(),
        headers=tuple(_headers(document)),
        value=_value(document),
        expected=_expected(path),
    )


def _expected(path: Path) -> Reason | None:
    if path.parent.name == "valid":
        return None
    reason, separator, _what = path.stem.partition("--")
    if not separator:
        raise ValueError(f"{path}: an invalid example is called <reason>--<what>.json")
    return Reason(reason)


def _headers(document: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    for name, text in document["headers"].items():
        yield name, text.encode()
    for name, encoded in document.get("headers_base64", {}).items():
        yield name, base64.b64decode(encoded)


def _value(document: dict[str, Any]) -> bytes | None:
    value = _unpadded(document)
    return value if value is None else value.ljust(document.get("pad_to_bytes", 0), b" ")


def _unpadded(document: dict[str, Any]) -> bytes | None:
    if "value" in document:
        return json.dumps(document["value"], ensure_ascii=False, separators=(",", ":")).encode()
    if "value_text" in document:
        return str(document["value_text"]).encode()
    if "value_base64" in document:
        return base64.b64decode(document["value_base64"])
    return None
