"""Data drawn from an event model: what it should take, at and around its bounds, derived from its fields alone."""

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from schemas.events.model import EventPart

Strategy = st.SearchStrategy[Any]
LONGEST = 40
KNOWN_GOOD = {
    "equipment_reference": st.sampled_from(["MSCU6639870", "CSQU3054383", "TGHU0000040", "MSCU6639871", "csqu3054383"]),
    "expected_time": st.sampled_from(["2026-12-01T06:30:00+07:00", "2026-12-01T06:30:00.5Z", "2026-12-01", "soon", ""]),
    "imo": st.sampled_from(["9074729", "9074720", "0074729"]),
}


def data_of(model: type[EventPart]) -> st.SearchStrategy[dict[str, Any]]:
    """Data that is mostly right; fields that may be absent are, half of the time."""
    required: dict[str, Strategy] = {}
    optional: dict[str, Strategy] = {}
    for name, info in model.model_fields.items():
        strategy = KNOWN_GOOD[name] if name in KNOWN_GOOD else values_of(info.annotation, info.metadata)
        (required if info.is_required() else optional)[name] = strategy
    return st.fixed_dictionaries(required, optional=optional)


def values_of(annotation: Any, notes: list[Any]) -> Strategy:
    """Values of one annotation within the bounds its notes set."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return values_of(inner, [*notes, *more])
    if origin in (Union, types.UnionType):
        return st.one_of([values_of(inner, notes) for inner in get_args(annotation)])
    if origin is Literal:
        return st.sampled_from(get_args(annotation))
    if origin is list:
        least = _bounds(notes).get(MinLen, 0)
        return st.lists(values_of(get_args(annotation)[0], []), min_size=least, max_size=3)
    if origin is dict:
        _, inner = get_args(annotation)
        return st.dictionaries(st.text(max_size=3), values_of(inner, []), max_size=2)
    return _plain_values(annotation, _bounds(notes))


def _plain_values(kind: Any, bounds: dict[type, Any]) -> Strategy:
    if isinstance(kind, type) and issubclass(kind, EventPart):
        return data_of(kind)
    if kind is str:
        return st.text(min_size=bounds.get(MinLen, 0), max_size=min(bounds.get(MaxLen, LONGEST), LONGEST))
    low, high = bounds.get(Ge, bounds.get(Gt)), bounds.get(Le)
    if kind is int:
        return st.integers(low, high) | st.sampled_from([edge for edge in (low, high, 1) if edge is not None])
    if kind is float:
        inside = st.floats(low, high, allow_nan=False, allow_infinity=False)
        return inside | st.sampled_from([edge for edge in (low, high, 7) if edge is not None])
    return {bool: st.booleans(), type(None): st.none()}[kind]


def _bounds(notes: list[Any]) -> dict[type, Any]:
    flat = [m for note in notes for m in (note.metadata if isinstance(note, FieldInfo) else [note])]
    names = {Ge: "ge", Gt: "gt", Le: "le", MinLen: "min_length", MaxLen: "max_length"}
    return {type(note): getattr(note, names[type(note)]) for note in flat if type(note) in names}
