"""The flat form, one key a value, as PLCs and MQTT have it: to the JSON form and back.

Read tolerantly (`.` or `|`, qualifiers before or after `pom` and `pomt`), written in one order: subjects, concept,
property, pom, pomt, qualifiers, `value`. One flat message has exactly one timestamp.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from connectors.messages.said import RefusedPartError
from connectors.tic.grammar import ARRAY_ID, HEADER, Metadata, Path, Proprietary, Reading, RuleBrokenError, read
from connectors.tic.words import POM, POMT, QUALIFIERS

_FIELDS: Final = frozenset(
    {
        *("value", "description", "actualvalue", "expectedvalue", "mcode", "tic40codeid", "tic40codename", "spncode"),
        *("fmicode", "severity", "reaction", "oldvalue"),
    }
)
_NO_PROPERTY: Final = "value"


class _Key(NamedTuple):
    subjects: Path
    names: tuple[str, ...]
    marks: tuple[tuple[str, str], ...]
    field: str


def is_flat(document: dict[str, Any]) -> bool:
    """Whether an object is a flat message: a key of it names a subject with `@`."""
    return any(".@" in key or "|@" in key for key in document)


def to_json(flat: dict[str, Any]) -> dict[str, Any]:
    """The JSON form of a flat message. Raises RefusedPartError, and RuleBrokenError where two keys say one thing (T6)."""
    header, rest = _header(flat)
    timestamp = header.get("timestamp")
    if timestamp is None:
        raise RefusedPartError("a flat message has exactly one timestamp, and this has none")
    document: dict[str, Any] = {HEADER: header}
    for key, value in rest.items():
        if "@" not in key:
            document[key] = value
            continue
        _put(document, _parsed(key), value, timestamp, key)
    return document


def from_json(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The flat messages of a document, one for each timestamp in it. Raises RuleBrokenError."""
    found = list(read(document))
    times = dict.fromkeys(str(one.item["timestamp"]) for one in found if isinstance(one, Reading))
    common: dict[str, Any] = {}
    for one in found:
        if isinstance(one, Metadata):
            common[".".join([*_subject_words(one.subjects), one.name])] = one.value
        elif isinstance(one, Proprietary) and not one.subjects:
            common[one.where] = one.value
    head = {f"{HEADER}.{name}": value for name, value in document.get(HEADER, {}).items()}
    for time in times:
        flat = {**head, f"{HEADER}.timestamp": time, **common}
        for one in found:
            if isinstance(one, Reading) and one.item["timestamp"] == time:
                flat |= _keys(one)
        yield flat


def key_of(reading: Reading, field: str = "value") -> str:
    """The flat key of a reading, in the canonical order."""
    item = reading.item
    words = [*_subject_words(reading.subjects), reading.concept]
    words += [reading.observed] if reading.observed != _NO_PROPERTY else []
    words += [item[name] for name in ("pom", "pomt") if item.get(name)]
    words += [f"#{name}#{item[name]}" for name in QUALIFIERS if item.get(name) is not None]
    sign = "|" if any("." in word for word in words) else "."
    return sign.join([*words, field])


def _keys(reading: Reading) -> dict[str, Any]:
    own = {*QUALIFIERS, "pom", "pomt", "timestamp"}
    return {key_of(reading, name): value for name, value in reading.item.items() if name not in own}


def _subject_words(subjects: Path) -> list[str]:
    return [word for name, arrayid in subjects for word in (name, f"@{arrayid}")]


def _header(flat: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    header, rest = {}, {}
    for key, value in flat.items():
        if key.startswith((f"{HEADER}.", f"{HEADER}|")):
            header[key[len(HEADER) + 1 :]] = value
        elif key == "timestamp":
            header.setdefault("timestamp", value)
        else:
            rest[key] = value
    return header, rest


def _parsed(key: str) -> _Key:
    """The parts of a key; the last is `value`, a field of an item, or the unit of the value."""
    words = key.split("|" if "|" in key else ".")
    subjects, place = [], 0
    while place + 1 < len(words) and words[place + 1].startswith("@"):
        subjects.append((words[place], words[place + 1][1:]))
        place += 2
    *middle, last = words[place:] or [""]
    marks = [("pom", w) for w in middle if w in POM] + [("pomt", w) for w in middle if w in POMT]
    for word in (w for w in middle if w.startswith("#")):
        name, _, value = word[1:].partition("#")
        marks.append((name, value))
    names = tuple(w for w in middle if w not in POM and w not in POMT and not w.startswith("#"))
    if names and last not in _FIELDS:
        marks.append(("unit", last))
        last = "value"
    if not subjects or not last or len(names) > 2:
        raise RefusedPartError(f"{key!r} is no flat key: subjects with @, concept, property, …, value")
    return _Key(tuple(subjects), names, tuple(marks), last)


def _put(document: dict[str, Any], key: _Key, value: Any, timestamp: Any, text: str) -> None:
    inner = document
    for name, arrayid in key.subjects:
        inner = _subject(inner, name, arrayid, text)
    if not key.names:
        inner[key.field] = value
        return
    concept, property_ = key.names if len(key.names) == 2 else (key.names[0], _NO_PROPERTY)
    items: list[dict[str, Any]] = _inside(_inside(inner, concept, {}, text), property_, [], text)
    marks = {"timestamp": timestamp, **dict(key.marks)}
    item = next((one for one in items if {n: v for n, v in one.items() if n not in _FIELDS} == marks), None)
    if item is None:
        item = marks
        items.append(item)
    if key.field in item:
        raise RuleBrokenError("T6", text, "another key says the same with its parts in another order")
    item[key.field] = value


def _inside(outer: dict[str, Any], name: str, empty: Any, text: str) -> Any:
    """What is under a name; raises RefusedPartError where another key has given the name a value of its own."""
    found = outer.setdefault(name, empty)
    if type(found) is not type(empty) or not all(isinstance(one, dict) for one in found if isinstance(found, list)):
        raise RefusedPartError(f"{text!r}: another key says that {name} is a value")
    return found


def _subject(inner: dict[str, Any], name: str, arrayid: str, text: str) -> dict[str, Any]:
    items = _inside(inner, name, [], text)
    found: dict[str, Any] | None = next((one for one in items if one.get(ARRAY_ID, "") == arrayid), None)
    if found is None:
        found = {ARRAY_ID: arrayid} if arrayid else {}
        items.append(found)
    return found
