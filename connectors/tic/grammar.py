"""The grammar of a TIC4.0 document, and its rules T1 to T9; what a document says, as readings.

T1 subjects are arrays; T2 concepts are objects; T3 observed properties are arrays of items with a timestamp;
T4 subjects have no timestamp; T5 several items of a subject have each their `arrayid`; T6 items of one observed
property differ in (name, pom, pomt, reference, unit, timestamp); T7, T8 `pom` and `pomt` are of their lists;
T9 proprietary content is let pass. Source: TIC4.0, JSON rules (p. 8618041, 605224961, 935264257, 941326366).
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from connectors.kafka.outgoing import parse_time, time_text
from connectors.messages.said import RefusedPartError
from connectors.tic.words import KEY, POM, POMT, PROPERTIES, SUBJECTS, is_concept

HEADER: Final = "msg"
ARRAY_ID: Final = "arrayid"
_DEEPEST: Final = 32
Path = tuple[tuple[str, str], ...]


class RuleBrokenError(RefusedPartError):
    """A document breaks one of the rules; `rule` is its name, such as T5."""

    def __init__(self, rule: str, where: str, why: str) -> None:
        super().__init__(f"{rule} {where}: {why}")
        self.rule = rule


class Reading(NamedTuple):
    """One item of an observed property: of which subjects (name and arrayid, outermost first), concept and property."""

    subjects: Path
    concept: str
    observed: str
    item: dict[str, Any]

    @property
    def at(self) -> datetime:
        """When; the grammar has seen that it is a time."""
        found = parse_time(self.item["timestamp"])
        if found is None:
            raise RuleBrokenError("T3", self.concept, "no timestamp")
        return found


class Metadata(NamedTuple):
    """A plain member of a subject, such as its id, name or type."""

    subjects: Path
    name: str
    value: Any


class Proprietary(NamedTuple):
    """Content beside the standard, and where it stands."""

    subjects: Path
    where: str
    value: Any


Found = Reading | Metadata | Proprietary


def read(document: dict[str, Any]) -> Iterator[Found]:
    """What a document says, in its order; raises RuleBrokenError at the first rule that it breaks."""
    for name, value in document.items():
        if name == HEADER:
            continue
        if name in SUBJECTS:
            yield from _subject(name, value, (), name)
        else:
            yield Proprietary((), name, value)


def _subject(name: str, value: Any, above: Path, where: str) -> Iterator[Found]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise RuleBrokenError("T1", where, "a subject is an array of objects")
    _has_array_ids(value, where)
    for number, item in enumerate(value):
        here = f"{where}[{number}]"
        if "timestamp" in item:
            raise RuleBrokenError("T4", here, "a subject has no timestamp")
        if len(above) >= _DEEPEST:
            raise RuleBrokenError("T1", here, f"subjects are nested deeper than {_DEEPEST}")
        yield from _members(item, (*above, (name, str(item.get(ARRAY_ID, "")))), here)


def _has_array_ids(items: list[dict[str, Any]], where: str) -> None:
    ids = [item.get(ARRAY_ID) for item in items]
    if len(items) > 1 and not all(one != "" and isinstance(one, str | int) for one in ids):
        raise RuleBrokenError("T5", where, f"{len(items)} items, and not each has an {ARRAY_ID}")
    if len(set(map(str, ids))) < len(ids):
        raise RuleBrokenError("T5", where, f"two items have one {ARRAY_ID}")


def _members(item: dict[str, Any], subjects: Path, where: str) -> Iterator[Found]:
    for name, value in item.items():
        here = f"{where}.{name}"
        if name in SUBJECTS:
            yield from _subject(name, value, subjects, here)
        elif is_concept(name):
            if not isinstance(value, dict):
                raise RuleBrokenError("T2", here, "a concept is an object")
            yield from _concept(name, value, subjects, here)
        elif isinstance(value, dict):
            yield from _concept(name, value, subjects, here)
        elif isinstance(value, list):
            if _holds_properties(value):
                raise RuleBrokenError("T2", here, "a concept is an object, and this array holds observed properties")
            yield Proprietary(subjects, here, value)
        elif name != ARRAY_ID:
            yield Metadata(subjects, name, value)


def _concept(name: str, value: dict[str, Any], subjects: Path, where: str) -> Iterator[Found]:
    for property_, inner in value.items():
        here = f"{where}.{property_}"
        if property_ in PROPERTIES or _has_timestamps(inner):
            for item in _items(inner, here):
                yield Reading(subjects, name, property_, item)
        else:
            yield Proprietary(subjects, here, inner)


def _items(value: Any, where: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise RuleBrokenError("T3", where, "an observed property is an array of objects")
    seen: set[tuple[str, ...]] = set()
    for number, item in enumerate(value):
        here = f"{where}[{number}]"
        if parse_time(item.get("timestamp")) is None:
            raise RuleBrokenError("T3", here, f"timestamp {item.get('timestamp')!r} is not RFC 3339 with offset")
        for rule, name, words in (("T7", "pom", POM), ("T8", "pomt", POMT)):
            if name in item and item[name] not in words:
                raise RuleBrokenError(rule, here, f"{name} {item[name]!r} is none of {', '.join(words)}")
        key = tuple(repr(_key_part(name, item.get(name))) for name in KEY)
        if key in seen:
            raise RuleBrokenError("T6", here, f"another item has the same {', '.join(KEY)}")
        seen.add(key)
    return value


def _key_part(name: str, value: Any) -> Any:
    """A moment is the same however it is written."""
    at = parse_time(value) if name == "timestamp" else None
    return value if at is None else time_text(at)


def _has_timestamps(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) and "timestamp" in item for item in value)


def _holds_properties(value: list[Any]) -> bool:
    return any(isinstance(item, dict) and any(map(_has_timestamps, item.values())) for item in value)
