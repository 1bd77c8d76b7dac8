"""The two protobuf messages of Sparkplug B that we read, Payload and Metric, and the one that we write.

Field numbers are those of the standard's `sparkplug_b.proto` (3.0, 6.4.1). Fields that are not used here are passed
over, as protobuf wants; whatever is malformed raises UndecodableError.
"""

import struct
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from connectors.sparkplug.errors import UndecodableError

REBIRTH: Final = "Node Control/Rebirth"
BOOLEAN_TYPE: Final = 11
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_TIMESTAMP, _METRICS, _SEQ = 1, 2, 3
_NAME, _ALIAS, _METRIC_TIMESTAMP, _DATATYPE, _HISTORICAL, _NULL = 1, 2, 3, 4, 5, 7
INT, LONG, FLOAT, DOUBLE, BOOLEAN, STRING, BYTES, DATASET, TEMPLATE, EXTENSION = range(10, 20)
# The wire type that each field has; another one there is malformed.
_PAYLOAD: Final[Mapping[int, int]] = MappingProxyType({_TIMESTAMP: _VARINT, _METRICS: _BYTES, _SEQ: _VARINT})
_METRIC: Final[Mapping[int, int]] = MappingProxyType(
    {
        **dict.fromkeys((_ALIAS, _METRIC_TIMESTAMP, _DATATYPE, _HISTORICAL, _NULL, INT, LONG, BOOLEAN), _VARINT),
        **dict.fromkeys((_NAME, STRING, BYTES, DATASET, TEMPLATE, EXTENSION), _BYTES),
        FLOAT: _FIXED32,
        DOUBLE: _FIXED64,
    }
)


class Metric(NamedTuple):
    """One metric as it was sent. `field` is the number of the field its value came in, None when there is none."""

    name: str | None = None
    alias: int | None = None
    timestamp_ms: int | None = None
    datatype: int | None = None
    is_historical: bool = False
    is_null: bool = False
    field: int | None = None
    value: Any = None


class Payload(NamedTuple):
    """A whole message. `seq` is None in deaths of nodes, and in commands."""

    timestamp_ms: int | None
    metrics: tuple[Metric, ...]
    seq: int | None


def payload_of(data: bytes) -> Payload:
    """What the bytes say; raises UndecodableError."""
    timestamp_ms, seq, metrics = None, None, []
    for number, value in _fields(data, _PAYLOAD):
        if number == _METRICS:
            metrics.append(_metric(value))
        elif number == _TIMESTAMP:
            timestamp_ms = value
        else:
            seq = value
    return Payload(timestamp_ms, tuple(metrics), seq)


def rebirth_request(now_ms: int) -> bytes:
    """The payload of an NCMD that asks a node to say all its births again (3.0, 6.4.20)."""
    name = REBIRTH.encode()
    metric = b"".join(
        (
            _key(_NAME, _BYTES) + _varint(len(name)) + name,
            _key(_METRIC_TIMESTAMP, _VARINT) + _varint(now_ms),
            _key(_DATATYPE, _VARINT) + _varint(BOOLEAN_TYPE),
            _key(BOOLEAN, _VARINT) + _varint(1),
        )
    )
    return _key(_TIMESTAMP, _VARINT) + _varint(now_ms) + _key(_METRICS, _BYTES) + _varint(len(metric)) + metric


def _metric(data: bytes) -> Metric:
    found: dict[int, Any] = {}
    field: int | None = None
    for number, value in _fields(data, _METRIC):
        found[number] = value
        if number >= INT:
            # One of several: what comes last counts.
            field = number
    return Metric(
        None if _NAME not in found else _text(found[_NAME]),
        found.get(_ALIAS),
        found.get(_METRIC_TIMESTAMP),
        found.get(_DATATYPE),
        bool(found.get(_HISTORICAL)),
        bool(found.get(_NULL)),
        field,
        None if field is None else _value(field, found[field]),
    )


def _value(field: int, raw: Any) -> Any:
    if field == FLOAT:
        return struct.unpack("<f", raw)[0]
    if field == DOUBLE:
        return struct.unpack("<d", raw)[0]
    if field == BOOLEAN:
        return bool(raw)
    return _text(raw) if field == STRING else raw


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise UndecodableError(f"a text of {len(raw)} bytes is not UTF-8") from error


def _fields(data: bytes, types: Mapping[int, int]) -> Iterator[tuple[int, Any]]:
    """The fields that `types` names, in their order: varints as numbers, the others as bytes."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, wire = key >> 3, key & 7
        value: Any
        if wire == _VARINT:
            value, at = _read_varint(data, at)
        elif wire in {_BYTES, _FIXED32, _FIXED64}:
            size, at = _read_varint(data, at) if wire == _BYTES else ({_FIXED32: 4, _FIXED64: 8}[wire], at)
            value, at = data[at : at + size], at + size
        else:
            raise UndecodableError(f"not protobuf: wire type {wire}")
        if at > len(data) or number == 0:
            raise UndecodableError("not protobuf: it ends in the middle of a field")
        if number in types:
            if types[number] != wire:
                raise UndecodableError(f"field {number} has wire type {wire}, not {types[number]}")
            yield number, value


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), at
    raise UndecodableError("not protobuf: a number has no end")


def _key(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
