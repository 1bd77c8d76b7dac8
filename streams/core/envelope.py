"""The CloudEvents envelope as the worker holds it, and how a record says which mode it is in."""

from typing import Any, Final

import msgspec

from streams.core.record import Headers

REQUIRED: Final = ("id", "source", "specversion", "type")


class Event(msgspec.Struct, forbid_unknown_fields=True, gc=False, rename={"extra": "(extra)"}):
    """One event. `data` is read as raw JSON, then replaced by the struct of its type (`with_data`).

    `time` stays text until the whole batch's times are parsed at once. `extra` holds unknown data fields:
    no record can fill it, its only JSON value is null. `sequence` counts only together with `bootid`.
    """

    id: str
    source: str
    specversion: str
    type: str
    subject: str
    time: str
    data: msgspec.Raw
    bootid: str | None = None
    sequence: int | str | None = None
    recordedtime: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    dataclassification: str | None = None
    traceparent: str | None = None
    partitionkey: str | None = None
    shiftedfrom: str | None = None
    extra: None = None

    def with_data(self, data: Any, extra: Any) -> "Event":
        """The same event, its data decoded."""
        self.data = data
        self.extra = extra
        return self


KNOWN_ATTRIBUTES: Final = frozenset(Event.__struct_fields__) - {"extra"}


def is_binary(headers: Headers) -> bool:
    """Whether the record is in binary mode: not declared structured, and the four required `ce_` headers exist."""
    names = set()
    for name, value in headers:
        lowered = name.lower()
        if lowered == "content-type" and (value or b"").lower().startswith(b"application/cloudevents"):
            return False
        names.add(lowered)
    return all(f"ce_{attribute}" in names for attribute in REQUIRED)
