"""Which messages are in the spool and may not be acknowledged yet: a redelivery of one of them is no second message.

Kept in the transaction that keeps their events. The broker sends again what it holds for unacknowledged, under the
same packet identifier (MQTT 3.1.1 and 5, 4.4); nothing older than what it may owe at once can be among that.
"""

import hashlib
from collections import OrderedDict

import msgspec

from connectors.mqtt.inbox import Message


class Repeats:
    """At most `most` messages, by packet identifier, each with a digest of what it said."""

    def __init__(self, most: int, kept: str | None) -> None:
        self._most = most
        # The cursor is there from the first session on, so that its loss can be noticed.
        self.had_session = kept is not None
        self._taken: OrderedDict[int, str] = OrderedDict(
            msgspec.json.decode(kept, type=list[tuple[int, str]]) if kept else ()
        )

    def is_one(self, message: Message) -> bool:
        """Whether this message is in the spool already."""
        return message.is_again and self._taken.get(message.number) == _digest(message)

    def note(self, message: Message) -> None:
        """It is about to be kept."""
        if message.qos == 0:
            return
        self._taken.pop(message.number, None)
        self._taken[message.number] = _digest(message)
        if len(self._taken) > self._most:
            self._taken.popitem(last=False)

    def forget(self) -> None:
        """The session is new: no message of it has been here."""
        self._taken.clear()

    def text(self) -> str:
        """As it is kept."""
        return msgspec.json.encode(list(self._taken.items())).decode()


def _digest(message: Message) -> str:
    return hashlib.sha256(message.topic.encode() + b"\0" + message.payload).hexdigest()[:16]
