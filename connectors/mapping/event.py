"""One outside record to one event, by a mapping. Pure; what does not fit is refused with the field and what it was."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, get_args

from connectors.kafka.outgoing import parse_time, time_text
from connectors.mapping.model import FieldSource, Mapping, TimeSource
from connectors.mapping.template import Template
from connectors.messages.places import asset_name, zone_of
from connectors.messages.said import RefusedPartError
from schemas.events.fields import LARGEST
from schemas.quantities import converted, unit_of_field

_NOTHING: Final = object()
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_US_PER: Final = {"s": Decimal(1_000_000), "ms": Decimal(1_000), "us": Decimal(1), "ns": Decimal("0.001")}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BOOLEANS: Final = {"true": True, "false": False}


def event_of(record: Any, mapping: Mapping) -> dict[str, Any]:
    """The event, not checked against its model yet. Raises RefusedPartError, which says which field and why."""
    event: dict[str, Any] = {
        "type": mapping.type,
        "subject": mapping.subject_template.filled(lambda path: asset_name(_text(record, path))),
        "time": time_text(_time(record, mapping.time)),
        "data": _data(record, mapping),
    }
    if mapping.id is not None:
        event["id"] = Template(mapping.id).filled(lambda path: _text(record, path))
    return event if mapping.source is None else {**event, "source": mapping.source}


def found(record: Any, path: str) -> Any:
    """What stands at a path: a name, or names and positions with dots between; `_NOTHING` where nothing does."""
    if isinstance(record, dict) and path in record:
        return record[path]
    head, _, rest = path.partition(".")
    if isinstance(record, dict) and head in record:
        inner = record[head]
    elif isinstance(record, list) and head.isdecimal() and int(head) < len(record):
        inner = record[int(head)]
    else:
        return _NOTHING
    return found(inner, rest) if rest else inner


def _data(record: Any, mapping: Mapping) -> dict[str, Any]:
    data: dict[str, Any] = dict(mapping.fixed)
    for name, source in mapping.fields.items():
        value = found(record, source.path)
        if value is _NOTHING or any(_same(value, missing) for missing in source.missing):
            if mapping.model.model_fields[name].is_required():
                raise RefusedPartError(f"{source.path} is missing, and {name} needs it")
            continue
        data[name] = _value(name, value, source, mapping)
    return data


def _same(value: Any, other: Any) -> bool:
    """1 is not true, and no missing value by being equal to it."""
    return type(value) is type(other) and bool(value == other)


def _value(name: str, value: Any, source: FieldSource, mapping: Mapping) -> Any:
    if source.values is not None:
        word = str(value).lower() if isinstance(value, bool) else str(value)
        if word not in source.values:
            raise RefusedPartError(f"{source.path}: {value!r} is none of {', '.join(source.values)}")
        return source.values[word]
    if isinstance(value, dict | list) and not _takes(mapping, name, type(value)):
        raise RefusedPartError(f"{source.path}: an object or a list, not a value")
    if isinstance(value, str):
        value = _from_text(name, value, source, mapping)
    if source.unit is None:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
        raise RefusedPartError(f"{source.path}: {str(value)[:40]} is no number that we take")
    return converted(value, source.unit, str(unit_of_field(name)))


def _from_text(name: str, text: str, source: FieldSource, mapping: Mapping) -> Any:
    """A number or truth value written as a text is one where the field takes no text."""
    if _takes(mapping, name, str):
        return text
    stripped = text.strip()
    if _takes(mapping, name, bool) and stripped.lower() in _BOOLEANS:
        return _BOOLEANS[stripped.lower()]
    if _takes(mapping, name, int) and _INTEGER.fullmatch(stripped):
        return int(stripped)
    if _takes(mapping, name, float) and _NUMBER.fullmatch(stripped):
        return float(stripped)
    raise RefusedPartError(f"{source.path}: {text[:40]!r} is no value of {name}")


def _takes(mapping: Mapping, name: str, kind: type) -> bool:
    """Whether the field's annotation has this type somewhere, or a literal of it."""
    return kind in _kinds(mapping.model.model_fields[name].annotation)


def _kinds(annotation: Any) -> set[type]:
    inner = get_args(annotation)
    if not inner:
        return {annotation if isinstance(annotation, type) else type(annotation)}
    outer = getattr(annotation, "__origin__", None)
    return set().union(*map(_kinds, inner)) | ({outer} if outer in (list, dict) else set())


def _text(record: Any, path: str) -> str:
    value = found(record, path)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise RefusedPartError(
            f"{path} is missing" if value in (_NOTHING, "", None) else f"{path}: {value!r} is no name"
        )
    return str(value)


def _time(record: Any, source: TimeSource) -> datetime:
    value = found(record, source.path)
    if value is _NOTHING or value in (None, ""):
        raise RefusedPartError(f"{source.path} is missing, and time needs it")
    try:
        moment = _iso(value, source) if source.unit == "iso" else _from_epoch(value, source.unit)
    except (ValueError, OverflowError) as error:
        raise RefusedPartError(f"{source.path}: {value!r} is no time in unit {source.unit} ({error})") from error
    return moment


def _iso(value: Any, source: TimeSource) -> datetime:
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004  (refused as every other value)
    if (at := parse_time(value)) is not None:
        return at.astimezone(UTC)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        if source.offset is None:
            raise ValueError("no offset in it, and the mapping gives none")
        moment = moment.replace(tzinfo=zone_of(source.offset))
    return moment.astimezone(UTC)


def _from_epoch(value: Any, unit: str) -> datetime:
    text = value.strip() if isinstance(value, str) else str(value)
    if isinstance(value, bool) or not _NUMBER.fullmatch(text):
        raise ValueError("not a number")
    return _EPOCH + timedelta(microseconds=int(Decimal(text) * _US_PER[unit]))
