"""Letters become records: CloudEvents 1.0 over Kafka, structured mode or binary (domain section 9.3)."""

from typing import Final, NamedTuple

import msgspec

from connectors.simulator.moments import rfc3339
from connectors.simulator.numbering import Letter
from schemas.topics import TOPIC_BY_TYPE

Headers = tuple[tuple[str, bytes], ...]

_DATA: Final = msgspec.json.Encoder()
_CLASSES: Final = {"gate": "personal", "cargo": "commercial", "vessel": "public"}


class Rendered(NamedTuple):
    """A record without its send time."""

    topic: str
    key: bytes
    headers: Headers
    value: bytes | None


class Envelope:
    """Writes the records of one run, which every record names in the header `qs-run`."""

    def __init__(self, run: str) -> None:
        self._topics = {kind: topic.name for kind, topic in TOPIC_BY_TYPE.items()}
        self._run = ("qs-run", run.encode())
        self._structured: Headers = (("content-type", b"application/cloudevents+json"), self._run)

    def render(self, letter: Letter, topic: str | None = None) -> Rendered:
        """The record of a letter; `topic` when it goes astray."""
        fact = letter.fact
        where = topic or self._topics[fact.type]
        key = fact.subject.encode()
        data = _DATA.encode(fact.data)
        if fact.gateway.mode == "binary":
            return Rendered(where, key, self._binary_headers(letter), data)
        return Rendered(where, key, self._structured, _structured_head(letter).encode() + data + b"}")

    def topic_of(self, kind: str) -> str:
        """The topic that carries an event type."""
        return self._topics[kind]

    def _binary_headers(self, letter: Letter) -> Headers:
        attributes = {**_attributes(letter), "time": rfc3339(letter.fact.time_ms, letter.fact.gateway.offset_s)}
        written = ((f"ce_{name}", value.encode()) for name, value in attributes.items())
        return (("content-type", b"application/json"), *written, self._run)


def _attributes(letter: Letter) -> dict[str, str]:
    fact = letter.fact
    attributes = {
        "specversion": "1.0",
        "id": letter.id,
        "source": fact.gateway.source,
        "type": fact.type,
        "subject": fact.subject,
        "recordedtime": rfc3339(letter.recorded_ms, fact.gateway.offset_s),
    }
    if letter.bootid is not None:
        attributes |= {"bootid": letter.bootid, "sequence": str(letter.sequence)}
    return attributes | _classification(fact.type)


def _structured_head(letter: Letter) -> str:
    """Everything up to the data. No attribute holds a character that JSON would escape."""
    fact = letter.fact
    gateway = fact.gateway
    numbered = f'"bootid":"{letter.bootid}","sequence":"{letter.sequence}",' if letter.bootid is not None else ""
    class_ = _CLASSES.get(fact.type.split(".")[2])
    classified = f'"dataclassification":"{class_}",' if class_ else ""
    return (
        f'{{"specversion":"1.0","id":"{letter.id}","source":"{gateway.source}","type":"{fact.type}",'
        f'"subject":"{fact.subject}","time":"{rfc3339(fact.time_ms, gateway.offset_s)}",'
        f'"recordedtime":"{rfc3339(letter.recorded_ms, gateway.offset_s)}",{numbered}{classified}"data":'
    )


def _classification(kind: str) -> dict[str, str]:
    class_ = _CLASSES.get(kind.split(".")[2])
    return {"dataclassification": class_} if class_ else {}
