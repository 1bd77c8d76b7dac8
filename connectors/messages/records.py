"""What a reader of messages gives to records for Kafka; what became no event is sent on as it is, for the worker to keep."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from connectors.kafka.outgoing import CONTENT_TYPE, Outgoing, parse_time, problem_of, renamed, time_text
from connectors.messages.said import Decode, Said, Told, Untold
from connectors.network.records import UNDECODED
from schemas.errors import ConfigurationError
from schemas.topics import TOPIC_BY_TYPE

LARGEST: Final = 64 * 1024 * 1024
_MOST_KEPT: Final = 768 * 1024
_MOST_DETAIL: Final = 1_000
# Where a part goes that does not say what it would have been about.
_UNKNOWN_TOPIC: Final = "cargo-events"


def content_of(path: Path) -> bytes:
    """A whole file; raises ConfigurationError for one that is too large or cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path} ({error.strerror})") from error
    if len(content) > LARGEST:
        raise ConfigurationError(f"{path} is larger than {LARGEST:,} bytes: part it into several messages")
    return content


class MessageFile:
    """One file, read anew by each call; `notes` counts what was remarkable in the last reading."""

    def __init__(self, path: Path, decode: Decode, topic: str | None = None) -> None:
        self._content = content_of(path)
        self._decode = decode
        self._topic = topic
        self.notes: Counter[str] = Counter()

    def __call__(self, shift: timedelta | None) -> Iterator[Outgoing]:
        """Its records, shifted."""
        self.notes = Counter()
        digest = hashlib.sha256(self._content).hexdigest()[:16]
        return records(self._decode(self._content, self.notes), digest, shift, self._topic)


def records(said: Iterable[Said], run: str, shift: timedelta | None, topic: str | None) -> Iterator[Outgoing]:
    """The records of what a reader says, in its order. `run` names events that have no identity of their own."""
    unnamed: Counter[tuple[str, str]] = Counter()
    for position, part in enumerate(said, start=1):
        if isinstance(part, Untold):
            why = f"{part.place}: {part.why}"
            headers = ((UNDECODED, _detail(why)),)
            yield Outgoing(position, topic or _UNKNOWN_TOPIC, None, part.part[:_MOST_KEPT], headers, None, why)
            continue
        yield _outgoing(part, position, _named(part.event, position, run, unnamed), shift, topic)


def _named(event: dict[str, Any], position: int, run: str, unnamed: Counter[tuple[str, str]]) -> dict[str, Any]:
    """An event without an id is numbered in its file, as a row of delimited text is."""
    if "id" in event or problem_of({"id": "-", "source": "-", "specversion": "1.0", **event}):
        return {"id": f"{run}-{position}", "source": f"/publish/{run}", **event}
    stream = event["subject"], event["type"]
    unnamed[stream] += 1
    own = {"id": f"{run}-{position}", "bootid": run, "sequence": str(unnamed[stream])}
    return {"source": f"/publish/{run}", **event, **own}


def _outgoing(part: Told, position: int, event: dict[str, Any], shift: timedelta | None, topic: str | None) -> Outgoing:
    """What a model does not take is sent all the same, with the reason: the worker refuses and keeps it."""
    event = {"specversion": "1.0", **event} if shift is None else _moved({"specversion": "1.0", **event}, shift)
    problem = problem_of(event)
    headers = (CONTENT_TYPE,) if problem is None else (CONTENT_TYPE, (UNDECODED, _detail(f"{part.place}: {problem}")))
    goes_to = topic or (TOPIC_BY_TYPE[event["type"]].name if event.get("type") in TOPIC_BY_TYPE else _UNKNOWN_TOPIC)
    why = None if problem is None else f"{part.place}: {problem}"
    key = str(event.get("subject", "")).encode()
    return Outgoing(position, goes_to, key, msgspec.json.encode(event), headers, parse_time(event.get("time")), why)


def _moved(event: dict[str, Any], shift: timedelta) -> dict[str, Any]:
    at = parse_time(event.get("time"))
    if at is None:
        return event
    moved = {**event, "id": renamed(event["id"], shift), "time": time_text(at + shift), "shiftedfrom": event["time"]}
    if "bootid" in event:
        moved["bootid"] = renamed(event["bootid"], shift)
    return moved


def _detail(why: str) -> bytes:
    return why[:_MOST_DETAIL].encode("utf-8", "replace")
