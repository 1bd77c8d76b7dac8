"""Hot-path structs derived from the event models, so that no field is defined twice by hand.

A struct takes exactly what its pydantic model takes, except unknown fields, which send an event to
the careful path. tests/property/test_decoders_agree.py holds the two together.
"""

import types
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

import msgspec
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic.fields import FieldInfo

from schemas.events.model import EventData, EventPart
from streams.core.envelope import Event, event_struct

_BOUNDS: dict[type, tuple[str, str]] = {
    Ge: ("ge", "ge"),
    Gt: ("gt", "gt"),
    Le: ("le", "le"),
    Lt: ("lt", "lt"),
    MinLen: ("min_length", "min_length"),
    MaxLen: ("max_length", "max_length"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """An event type: its model, the struct of its data, and the struct of the whole event."""

    model: type[EventData]
    data: type[msgspec.Struct]
    event: type[Event]

    @classmethod
    def of(cls, model: type[EventData]) -> Self:
        """The structs of a model."""
        data = struct_of(model)
        return cls(model, data, event_struct(model.TYPE, data))


def struct_of(model: type[EventPart]) -> type[msgspec.Struct]:
    """The struct of a model: the same fields in the same order, strict, refusing unknown fields."""
    fields = [_field(name, info) for name, info in model.model_fields.items()]
    return msgspec.defstruct(model.__name__, fields, kw_only=True, forbid_unknown_fields=True, gc=False)


def _field(name: str, info: FieldInfo) -> tuple[str, Any] | tuple[str, Any, Any]:
    bare = _convert(info.annotation)
    bounds = _meta(info.metadata)
    annotation = Annotated[bare, bounds] if bounds else bare
    return (name, annotation) if info.is_required() else (name, annotation, info.default)


def _convert(annotation: Any) -> Any:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *notes = get_args(annotation)
        bounds = _meta([m for note in notes for m in (note.metadata if isinstance(note, FieldInfo) else [note])])
        return Annotated[_convert(inner), bounds] if bounds else _convert(inner)
    if origin in (Union, types.UnionType):
        return Union[tuple(_convert(a) for a in get_args(annotation))]  # noqa: UP007  (built at run time)
    if origin is list:
        return list[_convert(get_args(annotation)[0])]  # type: ignore[misc]
    if isinstance(annotation, type) and issubclass(annotation, EventPart):
        return struct_of(annotation)
    if origin in (dict, Literal, None):
        return annotation
    raise TypeError(f"no struct form for {annotation!r}")


def _meta(notes: list[Any]) -> msgspec.Meta | None:
    bounds = {_BOUNDS[type(n)][0]: getattr(n, _BOUNDS[type(n)][1]) for n in notes if type(n) in _BOUNDS}
    return msgspec.Meta(**bounds) if bounds else None
