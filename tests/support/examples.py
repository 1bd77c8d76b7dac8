"""The examples of schemas/examples as messages of today: what is relative to their append time is moved to now."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.examples import APPENDED_AT, Example
from tests.support.events import Message

# Times near the examples' append time. Fixed ones (1970, 1999, 2000, 2100) are fixed on purpose.
_TIME = re.compile(rb"(202[46]-\d\d-\d\d)([Tt])(\d\d:\d\d:\d\d)")


def message_of(example: Example, partition: int) -> Message:
    """The example as one message; of the same length, moved in time by whole seconds."""
    by = timedelta(seconds=round((datetime.now(UTC) - APPENDED_AT).total_seconds()))
    headers = tuple((name, _moved(value, by)) for name, value in example.headers)
    value = None if example.value is None else _moved(example.value, by)
    return Message(example.topic, example.key, value, headers, partition)


def _moved(text: bytes, by: timedelta) -> bytes:
    def move(found: "re.Match[bytes]") -> bytes:
        date, separator, time = (part.decode() for part in found.groups())
        try:
            moment: Any = datetime.fromisoformat(f"{date}T{time}+00:00") + by
        except ValueError:
            return found[0]
        return f"{moment:%Y-%m-%d}{separator}{moment:%H:%M:%S}".encode()

    return _TIME.sub(move, text)
