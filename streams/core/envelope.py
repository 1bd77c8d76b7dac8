"""The CloudEvents envelope as the worker holds it, and how a record says which mode it is in."""

from typing import Annotated, Any, Final, Literal

import msgspec

from streams.core.record import Headers

REQUIRED: Final = ("id", "source", "specversion", "type")
Text = Annotated[str, msgspec.Meta(min_length=1)]


class Event(msgspec.Struct, gc=False, kw_only=True, rename={"extra": "(extra)", "has_unknown": "(unknown)"}):
    """One event; every type has a struct of its own (`event_struct`) whose `data` is the struct of the type's fields.

    `time` stays text until the whole batch's times are parsed at once. `extra` holds unknown data fields and
    `has_unknown` tells of unknown attributes: no record can fill them, their only JSON value is null.
    `sequence` counts only together with `bootid`; digits as text never leave the decoder.
    """

    id: Text
    source: Text
    specversion: Literal["1.0"]
    subject: str
    time: str
    data: Any
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

    def noting(self, extra: Any, has_unknown: Any) -> "Event":
        """The same event with what nobody knows in it."""
        self.extra = extra
        self.has_unknown = has_unknown
        return self

    @property
    def type(self) -> str:
        """The CloudEvents type."""
        return str(self.__struct_config__.tag)


def event_struct(event_type: str, data: type[msgspec.Struct]) -> type[Event]:
    """The struct of one event type: decoding a union of them reads envelope and data in one pass."""
    return msgspec.defstruct(  # type: ignore[return-value]
        f"{data.__name__}Event",
        [("data", data)],
        bases=(Event,),
        tag_field="type",
        tag=event_type,
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )


KNOWN_ATTRIBUTES: Final = (frozenset(Event.__struct_fields__) | {"type"}) - {"extra", "has_unknown"}


def is_binary(headers: Headers) -> bool:
    """Whether the record is in binary mode: not declared structured, and the four required `ce_` headers exist."""
    names = set()
    for name, value in headers:
        lowered = name.lower()
        if lowered == "content-type" and (value or b"").lower().startswith(b"application/cloudevents"):
            return False
        names.add(lowered)
    return all(f"ce_{attribute}" in names for attribute in REQUIRED)
