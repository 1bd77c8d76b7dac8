"""A metric's value by its data type (Sparkplug B 3.0, 6.4.16): single values only."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from connectors.edge.errors import InvalidEventError
from connectors.sparkplug.errors import UnsupportedTypeError
from connectors.sparkplug.wire import BOOLEAN, DOUBLE, FLOAT, INT, LONG, STRING, Metric

Value = str | int | float | bool
_WHOLE, _REAL, _TEXTS = (INT, LONG), (FLOAT, DOUBLE), (STRING,)
# Bits of signed ones, which travel in unsigned fields.
_SIGNED: Final[Mapping[int, int]] = MappingProxyType({1: 8, 2: 16, 3: 32, 4: 64})
_UNSIGNED: Final[Mapping[int, int]] = MappingProxyType({5: 8, 6: 16, 7: 32, 8: 64, 13: 64})
_FIELDS: Final[Mapping[int, tuple[int, ...]]] = MappingProxyType(
    {
        **dict.fromkeys((*_SIGNED, *_UNSIGNED), _WHOLE),
        **dict.fromkeys((9, 10), _REAL),
        11: (BOOLEAN,),
        **dict.fromkeys((12, 14, 15), _TEXTS),
    }
)
_NAMES: Final = [
    "Unknown",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Float",
    "Double",
    "Boolean",
    "String",
    "DateTime",
    "Text",
    "UUID",
    "DataSet",
    "Bytes",
    "File",
    "Template",
    "PropertySet",
    "PropertySetList",
    "Int8Array",
    "Int16Array",
    "Int32Array",
    "Int64Array",
    "UInt8Array",
    "UInt16Array",
    "UInt32Array",
    "UInt64Array",
    "FloatArray",
    "DoubleArray",
    "BooleanArray",
    "StringArray",
    "DateTimeArray",
]


def value_of(metric: Metric, datatype: int) -> Value | None:
    """The value, None for null. A DateTime is milliseconds since 1970, UTC.

    Raises UnsupportedTypeError, and InvalidEventError for a value that is none of its type.
    """
    if datatype not in _FIELDS:
        name = _NAMES[datatype] if datatype < len(_NAMES) else "none that the standard knows"
        raise UnsupportedTypeError(f"data type {datatype} ({name}) is not one single value: it is not taken")
    if metric.is_null:
        return None
    if metric.field not in _FIELDS[datatype]:
        raise InvalidEventError(f"a value of data type {_NAMES[datatype]} came in field {metric.field}")
    value: Value = metric.value
    if datatype in _SIGNED or datatype in _UNSIGNED:
        return _whole(int(value), datatype)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidEventError(f"{value} is not a finite number")
    return value


def _whole(value: int, datatype: int) -> int:
    if datatype in _UNSIGNED:
        if value >= 2 ** _UNSIGNED[datatype]:
            raise InvalidEventError(f"{value} is no {_NAMES[datatype]}")
        return value
    bits = _SIGNED[datatype]
    # Small ones come as so many bits, or with their sign carried through the 32 or 64 of the field.
    for carried in (1 << width for width in (bits, 32, 64) if width >= bits):
        if carried - (1 << bits - 1) <= value < carried:
            return value - carried
    if value >= 2 ** (bits - 1):
        raise InvalidEventError(f"{value} is no {_NAMES[datatype]}")
    return value
