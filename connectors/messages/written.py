"""What a writer of messages gives back: the messages, how many events they carry, and why others are in none."""

from typing import Any, NamedTuple

from connectors.messages.said import RefusedPartError


class Written(NamedTuple):
    """`refused`: one line for each event that is in no message, which says which and why."""

    content: bytes
    events: int
    refused: list[str]


def named(event: dict[str, Any], error: RefusedPartError) -> str:
    """The line of an event that cannot be written."""
    return f"{event['subject']} {event['time']}: {error}"
