"""The CloudEvents envelope as the worker holds it, and how a record says which mode it is in."""

from typing import Annotated, Any, Final

import msgspec

from streams.core.record import Headers

REQUIRED: Final = ("id", "source", "specversion", "type")


Text = Annotated[str, msgspec.Meta(min_length=1)]


class Event(
    msgspec.Struct, forbid_unknown_fields=True, gc=False, rename={"extra": "(extra)", "has_unknown": "(unknown)"}
):
    """One event. `data` is read as raw JSON, then replaced by the struct of its type (`with_data`).

    `time` stays text until the whole batch's times are parsed at once. `extra` holds unknown data fields and
    `has_unknown` tells of unknown attributes: no record can fill them, their only JSON value is null. `sequence` counts only together with `bootid`.
    """

    id: Text
    source: Text
    specversion: str
    type: str
    subject: str
    time: str
    data: msgspec.Raw
    bootid: Text | None = None
    sequence: int | str | None = None
    recordedtime: Text | None = None
    datacontenttype: Text | None = None
    dataschema: Text | None = None
    dataclassification: Text | None = None
    traceparent: Text | None = None
    partitionkey: Text | None = None
    shiftedfrom: Text | None = None
    extra: None = None
    has_unknown: None = None

    def with_data(self, data: Any, extra: Any = None, has_unknown: Any = None) -> "Event":
        """The same event, its data decoded."""
        self.data = data
        self.extra = extra
        self.has_unknown = has_unknown
        return self


KNOWN_ATTRIBUTES: Final = frozenset(Event.__struct_fields__) - {"extra", "has_unknown"}


def is_binary(headers: Headers) -> bool:
    """Whether the record is in binary mode: not declared structured, and the four required `ce_` headers exist."""
    names = set()
    for name, value in headers:
        lowered = name.lower()
        if lowered == "content-type" and (value or b"").lower().startswith(b"application/cloudevents"):
            return False
        names.add(lowered)
    return all(f"ce_{attribute}" in names for attribute in REQUIRED)
