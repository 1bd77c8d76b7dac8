"""Records as lines of JSON, byte for byte, as `quaystream publish` replays them (docs/how-to/simulate.md has the form)."""

import base64
from typing import Any

import msgspec

from connectors.simulator.moments import rfc3339, to_ms
from connectors.simulator.simulation import SimRecord

_ENCODER = msgspec.json.Encoder()


def line(record: SimRecord) -> bytes:
    """One line with its end: topic, key, headers, `value` (text or null) or `value_base64`, and `at`, when it is sent."""
    content: dict[str, Any] = {
        "topic": record.topic,
        "key": record.key.decode(),
        "headers": [[name, value.decode()] for name, value in record.headers],
        **_value(record.value),
        "at": rfc3339(to_ms(record.time)),
    }
    return _ENCODER.encode(content) + b"\n"


def _value(value: bytes | None) -> dict[str, str | None]:
    if value is None:
        return {"value": None}
    try:
        return {"value": value.decode()}
    except UnicodeDecodeError:
        return {"value_base64": base64.b64encode(value).decode()}
