"""Recordings as JSON lines: structured CloudEvents, or whole records as `quaystream simulate --to FILE` writes them.

An event is checked before it is sent; a record is sent byte for byte, whatever is in it.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from connectors.kafka.outgoing import CONTENT_TYPE, Outgoing, Refused, parse_time, problem_of, renamed, time_text
from schemas.errors import ConfigurationError
from schemas.topics import TOPIC_BY_TYPE

_MOVED: Final = ("time", "recordedtime")


class _RefusedLineError(Exception):
    """Why a line is not sent; never leaves this module."""


def read_recording(
    path: Path, topic: str | None = None, shift: timedelta | None = None
) -> Iterator[Outgoing | Refused]:
    """The records of a file, in its order; blank lines are nothing.

    An event goes to `topic`, or to the topic of its type. With `shift`, events are moved by that much and get
    new ids (the same ones for the same file and shift); records cannot be, and raise ConfigurationError.
    """
    with _open(path) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield _outgoing(number, line.strip(), topic, shift)
            except _RefusedLineError as refused:
                yield Refused(number, str(refused))


def _open(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path} ({error.strerror})") from error


def _outgoing(number: int, line: bytes, topic: str | None, shift: timedelta | None) -> Outgoing:
    content = _parse(line)
    if "topic" not in content:
        return _event(number, line, content, topic) if shift is None else _moved(number, content, topic, shift)
    if shift is not None:
        raise ConfigurationError(
            f"line {number} is a whole record, which is sent byte for byte and cannot be shifted: "
            "simulate anew with --start, or publish without --shift-to"
        )
    return _record(number, content)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        content = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _RefusedLineError(f"not JSON: {error}") from error
    if not isinstance(content, dict):
        raise _RefusedLineError("not a JSON object")
    return content


def _refuse_constant(literal: str) -> NoReturn:
    raise _RefusedLineError(f"{literal} is not JSON")


def _event(number: int, line: bytes, event: dict[str, Any], topic: str | None) -> Outgoing:
    problem = problem_of(event)
    if problem:
        raise _RefusedLineError(problem)
    goes_to = topic or TOPIC_BY_TYPE[event["type"]].name
    return Outgoing(number, goes_to, event["subject"].encode(), line, (CONTENT_TYPE,), parse_time(event["time"]))


def _moved(number: int, event: dict[str, Any], topic: str | None, shift: timedelta) -> Outgoing:
    problem = problem_of(event)
    if problem:
        raise _RefusedLineError(problem)
    moved = {**event, "shiftedfrom": event["time"], "id": renamed(event["id"], shift)}
    if "bootid" in event:
        moved["bootid"] = renamed(str(event["bootid"]), shift)
    for name in _MOVED:
        moment = parse_time(event.get(name))
        if moment is not None:
            moved[name] = time_text(moment + shift)
    return _event(number, msgspec.json.encode(moved), moved, topic)


def _record(number: int, content: dict[str, Any]) -> Outgoing:
    topic, key = content["topic"], content.get("key")
    if not isinstance(topic, str) or not (key is None or isinstance(key, str)):
        raise _RefusedLineError("a record needs a topic, and its key is a text or null")
    value = _bytes(content["value_base64"]) if "value_base64" in content else _text(content.get("value"))
    headers = tuple(_header(pair) for pair in _pairs(content.get("headers")))
    return Outgoing(number, topic, None if key is None else key.encode(), value, headers, parse_time(content.get("at")))


def _pairs(headers: Any) -> Iterable[Any]:
    if headers is None:
        return ()
    if isinstance(headers, dict):
        return headers.items()
    if isinstance(headers, list):
        return headers
    raise _RefusedLineError("headers are neither a list of [name, value] nor an object")


def _header(pair: Sequence[Any]) -> tuple[str, bytes | None]:
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
        raise _RefusedLineError("a header is not [name, value]")
    return pair[0], _text(pair[1])


def _text(value: Any) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _RefusedLineError("a value is neither a text nor null")
    return value.encode()


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise _RefusedLineError("value_base64 is not base64") from error
