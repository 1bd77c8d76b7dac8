"""Unknown data fields: accepted, kept in `extra`, out of the typed columns."""

from functools import cache
from typing import Annotated, Any, get_args, get_origin

from schemas.events.model import EventPart


def split_unknown(model: type[EventPart], data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """`data` parted into what the model knows and the rest (None when there is none).

    Unknown fields of list items are gathered under the list's name, by position.
    """
    known = {name: value for name, value in data.items() if name in model.model_fields}
    extra = {name: value for name, value in data.items() if name not in model.model_fields}
    for name, part in _lists(model).items():
        if isinstance(known.get(name), list):
            known[name], inner = _split_items(part, known[name])
            if inner:
                extra[name] = inner
    return known, extra or None


def _split_items(part: type[EventPart], items: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    known: list[Any] = []
    unknown: dict[str, Any] = {}
    for position, item in enumerate(items):
        if not isinstance(item, dict):
            known.append(item)
            continue
        kept, extra = split_unknown(part, item)
        known.append(kept)
        if extra:
            unknown[str(position)] = extra
    return known, unknown


@cache
def _lists(model: type[EventPart]) -> dict[str, type[EventPart]]:
    found = {}
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        if get_origin(annotation) is list and isinstance(get_args(annotation)[0], type):
            item = get_args(annotation)[0]
            if issubclass(item, EventPart):
                found[name] = item
    return found
