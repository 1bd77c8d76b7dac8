"""What a payload says: the DataSetMessages of a NetworkMessage, in any of the layouts that its content masks allow.

With and without a NetworkMessage header, one message or several (OPC 10000-14, 7.2.5.3 and 7.2.5.4).
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from connectors.opcua.errors import UndecodableError

KEY_FRAME, DELTA_FRAME, EVENT, KEEP_ALIVE = "ua-keyframe", "ua-deltaframe", "ua-event", "ua-keepalive"
_FRAMES: Final = (KEY_FRAME, DELTA_FRAME, EVENT, KEEP_ALIVE)
_DATA: Final = "ua-data"


class DataSetMessage(NamedTuple):
    """One message of one writer. `version` is (major, minor) of its meta data; what is not said is None."""

    publisher: str
    writer_id: str
    writer_name: str
    kind: str
    sequence: int | None
    version: tuple[int, int] | None
    timestamp: str | None
    status: Any
    fields: dict[str, Any]

    @property
    def writer(self) -> str:
        """What to know it by: its name, else its number."""
        return self.writer_name or self.writer_id

    @property
    def key(self) -> str:
        """Which stream it belongs to."""
        return f"{self.publisher}/{self.writer}"


def data_sets_of(payload: bytes) -> list[DataSetMessage] | None:
    """The messages, in order; None where it is not about data (meta data, status, connections). Raises UndecodableError."""
    try:
        content = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableError(f"not JSON: {error}") from error
    networks = content if isinstance(content, list) else [content]
    if not networks or not all(isinstance(each, dict) for each in networks):
        raise UndecodableError("neither a JSON object nor an array of them")
    kinds = {str(each.get("MessageType", _DATA)) for each in networks}
    if not kinds <= {_DATA, *_FRAMES} and all(kind.startswith("ua-") for kind in kinds):
        return None
    return [found for network in networks for found in _of_network(network)]


def _of_network(network: dict[str, Any]) -> Iterator[DataSetMessage]:
    publisher = _word(network.get("PublisherId"))
    inner = network.get("Messages", network)
    for message in inner if isinstance(inner, list) else [inner]:
        if not isinstance(message, dict):
            raise UndecodableError("Messages holds what is no object")
        yield _of_message(message, publisher)


def _of_message(message: dict[str, Any], publisher: str) -> DataSetMessage:
    kind = message.get("MessageType", KEY_FRAME)
    kind = KEY_FRAME if kind == _DATA else kind
    if kind not in _FRAMES:
        raise UndecodableError(f"MessageType {kind} is none of {', '.join(_FRAMES)}")
    sequence = message.get("SequenceNumber")
    if sequence is not None and (not isinstance(sequence, int) or isinstance(sequence, bool) or sequence < 0):
        raise UndecodableError(f"SequenceNumber {sequence!r} is no number")
    return DataSetMessage(
        _word(message.get("PublisherId")) or publisher,
        _word(message.get("DataSetWriterId")),
        _word(message.get("DataSetWriterName")),
        kind,
        sequence,
        _version(message),
        _word(message.get("Timestamp")) or None,
        message.get("Status"),
        {} if kind == KEEP_ALIVE else _fields(message),
    )


def _fields(message: dict[str, Any]) -> dict[str, Any]:
    fields = message.get("Payload")
    if not isinstance(fields, dict):
        raise UndecodableError("a DataSetMessage has no Payload")
    return fields


def _version(message: dict[str, Any]) -> tuple[int, int] | None:
    """1.04 names both parts, 1.05 may name the minor one alone."""
    if "MetaDataVersion" not in message and "MinorVersion" not in message:
        return None
    given = message.get("MetaDataVersion", message)
    parts = (given.get("MajorVersion", 0), given.get("MinorVersion", 0)) if isinstance(given, dict) else ("", "")
    if not all(isinstance(part, int) for part in parts):
        raise UndecodableError("MetaDataVersion is no MajorVersion and MinorVersion")
    return (int(parts[0]), int(parts[1]))


def _word(given: Any) -> str:
    if given is None:
        return ""
    if isinstance(given, str | int) and not isinstance(given, bool):
        return str(given)
    raise UndecodableError(f"{given!r} is neither a text nor a number")
