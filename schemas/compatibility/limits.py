"""The limits of one value (kind, words, bounds, lengths, patterns): which of them became narrower. Pure.

A keyword without a rule counts as a break when it changed: better one question too many.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, Final

from schemas.compatibility.place import Place

Schema = dict[str, Any]

_SAYS_NOTHING: Final = {
    *("$schema", "$id", "$comment", "title", "description", "examples"),
    *("classification", "purposes", "pseudonym"),
}
_NESTED: Final = {"type", "anyOf", "required", "properties", "additionalProperties", "items"}
_RANGE: Final = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
_MOST: Final = {"maxLength": "characters", "maxItems": "items"}
_LEAST: Final = {"minLength": "characters", "minItems": "items"}
_KNOWN: Final = _SAYS_NOTHING | _NESTED | _RANGE | {*_MOST, *_LEAST, "enum", "const", "pattern", "format", "not"}
_KIND_OF: Final = {bool: "boolean", str: "string", int: "integer", float: "number", type(None): "null"}


def kinds(schema: Schema) -> set[str]:
    """The JSON types that a schema takes; none = any."""
    if "type" in schema:
        return {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])
    return {_KIND_OF[type(value)] for value in _values(schema) or ()}


def takes(new: Schema, old: Schema) -> bool:
    """Whether a value of the old schema's kind is of a kind that the new one takes."""
    now, before = kinds(new), kinds(old)
    widened = now | ({"integer"} if "number" in now else set())
    return not now or bool(before and before <= widened)


def limit_breaks(place: Place, old: Schema, new: Schema) -> Iterator[str]:
    """What of a value's limits became narrower."""
    yield from _value_breaks(place, old, new)
    yield from _range_breaks(place, old, new)
    for keyword, what in _LEAST.items():
        if new.get(keyword, 0) > old.get(keyword, 0):
            yield f"{place} must now have at least {new[keyword]} {what}"
    for keyword, what in _MOST.items():
        if new.get(keyword, math.inf) < old.get(keyword, math.inf):
            yield f"{place} must now have at most {new[keyword]} {what}"
    for keyword, words in (("pattern", "must now match"), ("format", "must now be a"), ("not", "now refuses")):
        if keyword in new and new[keyword] != old.get(keyword):
            yield f"{place} {words} {_text(new[keyword])}"
    for keyword in sorted((old.keys() | new.keys()) - _KNOWN):
        if old.get(keyword) != new.get(keyword):
            yield f"{place} changed in {keyword}, which schemas/compatibility has no rule for"


def _value_breaks(place: Place, old: Schema, new: Schema) -> Iterator[str]:
    before, now = _values(old), _values(new)
    if now is None:
        return
    if before is None:
        yield f"{place} takes nothing but {', '.join(map(_text, now))} now"
        return
    kept = set(map(_text, now))
    yield from (f"{place} no longer takes {_text(value)}" for value in before if _text(value) not in kept)


def _values(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _range_breaks(place: Place, old: Schema, new: Schema) -> Iterator[str]:
    # A bound sorts by value, then by whether it is itself excluded.
    low, high = _low(new), _high(new)
    if low > _low(old):
        yield f"{place} must now be {'more than' if low[1] else 'at least'} {low[0]:g}"
    if high < _high(old):
        yield f"{place} must now be {'at most' if high[1] else 'less than'} {high[0]:g}"


def _low(schema: Schema) -> tuple[float, bool]:
    return max((schema.get("minimum", -math.inf), False), (schema.get("exclusiveMinimum", -math.inf), True))


def _high(schema: Schema) -> tuple[float, bool]:
    return min((schema.get("maximum", math.inf), True), (schema.get("exclusiveMaximum", math.inf), False))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
