"""An input that became no event, kept as it came: it goes through the spool to an event topic, whose worker refuses it.

So it ends like every refused record: counted in the ledger, as a dead letter that has the gateway's words and the bytes.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from schemas.topics import TOPIC_BY_TYPE

# With room to spare below what a worker takes; what is longer keeps its beginning, and says how long it was.
MOST_BYTES: Final = 512 * 1024
_MOST_WORDS: Final = 1_000
_MOST_KEY: Final = 200
# The worker takes this for the detail of its dead letter (streams/core/careful.py).
WHY: Final = "qs-undecoded"
SOURCE: Final = "qs-source"
WHOLE_BYTES: Final = "qs-bytes"

Headers = tuple[tuple[str, str], ...]


class Letter(NamedTuple):
    """A record that is no event. The key is the place it came from: letters of one place keep their order."""

    topic: str
    key: str
    value: bytes
    headers: Headers

    def header_text(self) -> str:
        """As the spool keeps them."""
        return msgspec.json.encode(self.headers).decode()


class Addressed(NamedTuple):
    """Who sends letters (the gateway's name and the source's), and the topic of those that name no event type."""

    source: str
    connector: str
    topic: str


class _Type(msgspec.Struct):
    type: str


_TYPE: Final = msgspec.json.Decoder(_Type)


def letter_of(sender: Addressed, place: str, why: str, raw: bytes) -> Letter:
    """Of an input as it came; a CloudEvent of a known type goes where its type goes."""
    said = f"{sender.connector} {place}: {why}"[:_MOST_WORDS]
    headers: Headers = ((WHY, said), (SOURCE, sender.source))
    if len(raw) > MOST_BYTES:
        headers = (*headers, (WHOLE_BYTES, str(len(raw))))
    return Letter(_topic(raw) or sender.topic, place[:_MOST_KEY], raw[:MOST_BYTES], headers)


def headers_of(text: str) -> Sequence[tuple[str, bytes | None]]:
    """As the broker takes what `header_text` kept."""
    return [(name, value.encode("utf-8", "replace")) for name, value in msgspec.json.decode(text, type=Headers)]


def _topic(raw: bytes) -> str | None:
    try:
        declared = TOPIC_BY_TYPE.get(_TYPE.decode(raw).type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if declared is None else declared.name
