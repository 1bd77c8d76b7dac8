"""What a newer JSON Schema refuses that an older one took, in words. Pure.

Fields that an older version did not know may be added as optional ones (contract section 3), although a publisher could
have sent something else under that name. A field that is no more is a break, although an open schema still takes it:
its values would reach no column.
"""

from collections.abc import Iterator
from typing import Any

from schemas.compatibility.limits import kinds, limit_breaks, takes
from schemas.compatibility.place import Place

Schema = dict[str, Any]


def schema_breaks(name: str, old: Schema, new: Schema) -> Iterator[str]:
    """Every break between two versions of the schema that people call `name`."""
    yield from _breaks(Place(name), _inlined(old, old), _inlined(new, new))


def _inlined(schema: Any, root: Schema) -> Any:
    """The schema without references; ours never refer to themselves."""
    if isinstance(schema, list):
        return [_inlined(inner, root) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    part = root["$defs"][schema["$ref"].rpartition("/")[2]] if isinstance(schema.get("$ref"), str) else {}
    said = {**part, **schema}
    return {key: _inlined(inner, root) for key, inner in said.items() if key not in {"$ref", "$defs"}}


def _breaks(place: Place, old: Any, new: Any) -> Iterator[str]:
    if old is False or new is True:
        return
    if new is False:
        yield f"{place} is refused"
        return
    choices = _choices(new)
    for one in _choices({} if old is True else old):
        able = [other for other in choices if takes(other, one)]
        if able:
            yield from min((list(_plain_breaks(place, one, other)) for other in able), key=len)
        else:
            words = [
                " or ".join(sorted(some) or ["any value"]) for some in (kinds(one), set().union(*map(kinds, choices)))
            ]
            yield f"{place} no longer takes {words[0]}, only {words[1]}"


def _choices(schema: Schema) -> list[Schema]:
    """The schemas of which one must hold: of a value that may be null, of a number that may come as text."""
    if "anyOf" not in schema or "type" in schema:
        return [schema]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return [{**rest, **choice} for choice in schema["anyOf"]]


def _plain_breaks(place: Place, old: Schema, new: Schema) -> Iterator[str]:
    yield from limit_breaks(place, old, new)
    yield from _field_breaks(place, old, new)
    yield from _alternative_breaks(place, old, new)
    yield from _breaks(place.inside("[]"), old.get("items", True), new.get("items", True))
    rest = [schema.get("additionalProperties", True) for schema in (old, new)]
    if rest[1] is False and rest[0] is not False:
        yield f"{place} no longer takes unknown fields"
    else:
        yield from _breaks(place.inside(".*"), *rest)


def _field_breaks(place: Place, old: Schema, new: Schema) -> Iterator[str]:
    before, now = old.get("properties", {}), new.get("properties", {})
    for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{place.field(name)} {'became required' if name in before else 'is new and required'}"
    for name, schema in before.items():
        if name in now:
            yield from _breaks(place.field(name), schema, now[name])
        else:
            yield f"{place.field(name)} was removed"


def _alternative_breaks(place: Place, old: Schema, new: Schema) -> Iterator[str]:
    """Of an object: sets of fields of which one must be there."""
    before, now = (schema.get("anyOf") for schema in (old, new))
    if now is None:
        return
    if before is None:
        yield f"{place} must now have one of {', '.join(map(_words, now))}"
        return
    yield from (f"{place} is refused now when it has {_words(one)} alone" for one in before if one not in now)


def _words(alternative: Schema) -> str:
    return " and ".join(alternative.get("required", ["nothing"]))
