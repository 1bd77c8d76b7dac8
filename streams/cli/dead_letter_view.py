"""How a dead letter is shown: a row of the list, JSON, and the first bytes of what was in it."""

from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from connectors.timescale.dead_letters import DeadLetter, Summary

PREVIEW_BYTES: Final = 512
_HEX_ROW: Final = 16
_DETAIL_SHOWN: Final = 80


def row_of(letter: "Summary") -> tuple[str, ...]:
    """The cells of a dead letter in the list."""
    return (
        f"{letter.place.received_at:%Y-%m-%d %H:%M:%S}",
        str(letter.place),
        letter.reason,
        letter.origin.subject or letter.origin.source or "-",
        "null" if letter.size is None else str(letter.size),
        "yes" if letter.relayed_at else "no",
        "yes" if letter.replayed_at else "no",
        printable(letter.detail or "")[:_DETAIL_SHOWN],
    )


def as_json_value(letter: "Summary") -> dict[str, Any]:
    """Everything but the content, as JSON has it."""
    place, origin = letter.place, letter.origin
    return {
        "received_at": place.received_at.isoformat(),
        "topic": place.topic,
        "partition": place.partition,
        "offset": place.offset,
        "reason": letter.reason,
        "detail": letter.detail,
        "size_bytes": letter.size,
        "relayed_at": letter.relayed_at.isoformat() if letter.relayed_at else None,
        "replayed_at": letter.replayed_at.isoformat() if letter.replayed_at else None,
        "source": origin.source,
        "event_id": origin.event_id,
        "bootid": origin.bootid,
        "subject": origin.subject,
        "type": origin.type,
        "sequence": origin.sequence,
    }


def content_of(letter: "DeadLetter") -> dict[str, Any]:
    """Key, headers and value in base64, null where they were null."""

    def encoded(content: bytes | None) -> str | None:
        return None if content is None else b64encode(content).decode()

    headers = [[name, encoded(value)] for name, value in letter.headers]
    return {"key_base64": encoded(letter.key), "headers_base64": headers, "value_base64": encoded(letter.value)}


def preview(value: bytes | None) -> Iterator[str]:
    """The first bytes as a hex dump with the text beside it."""
    if value is None:
        yield "value: null"
        return
    cut = f", the first {PREVIEW_BYTES} shown" if len(value) > PREVIEW_BYTES else ""
    yield f"value: {len(value)} bytes{cut}"
    for start in range(0, min(len(value), PREVIEW_BYTES), _HEX_ROW):
        row = value[start : start + _HEX_ROW]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"{start:08x}  {row.hex(' '):<{3 * _HEX_ROW}} {text}"


def text_of(content: bytes | None) -> str:
    """Bytes as text that a terminal can show."""
    return "null" if content is None else printable(content.decode("utf-8", "backslashreplace"))


def printable(text: str) -> str:
    """Without what could steer a terminal: a refused record may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
