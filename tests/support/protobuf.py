"""Writes Sparkplug B payloads field by field, straight from the wire format; shares nothing with what reads them."""

import struct

_FIELDS = {"name": 1, "alias": 2, "time_ms": 3, "datatype": 4, "historical": 5, "long": 11, "double": 13, "string": 15}


def payload(seq: int | None, *metrics: bytes, time_ms: int = 1_767_225_600_000) -> bytes:
    """A whole message."""
    body = b"\x08" + _number(time_ms) + b"".join(b"\x12" + _number(len(metric)) + metric for metric in metrics)
    return body if seq is None else body + b"\x18" + _number(seq)


def message(**fields: str | float | bool | None) -> bytes:
    """One metric of the fields that are given."""
    return b"".join(_field(_FIELDS[name], value) for name, value in fields.items() if value is not None)


def _field(number: int, value: str | float | bool) -> bytes:
    if isinstance(value, str):
        return _number(number << 3 | 2) + _number(len(value.encode())) + value.encode()
    if isinstance(value, float):
        return _number(number << 3 | 1) + struct.pack("<d", value)
    return _number(number << 3) + _number(int(value))


def _number(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low]) if not rest else bytes([low | 0x80]) + _number(rest)
