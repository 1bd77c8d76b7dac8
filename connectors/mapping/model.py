"""The mapping file: every word of it, checked against the event type's model before anything is read.

A field that the event type does not have, a required one without a source, a unit of another kind, a fixed value
that the model refuses: each is one line that says which. docs/how-to/mapping.md explains every word.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from connectors.mapping.template import Template
from connectors.messages.places import Offset
from schemas.events import MODELS, EventData
from schemas.identifiers import is_subject
from schemas.quantities import QUANTITIES, convertible, unit_of_field

Fixed = str | int | float | bool
Model = type[EventData]
_PLACEHOLDER: Final = "X"
_DELIMITERS: Final = {"tab": "\t", "comma": ",", "semicolon": ";"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TimeSource(_Part):
    """Where the event time is. Epoch numbers are UTC; `iso` texts without an offset need `offset`."""

    path: Annotated[str, Field(min_length=1, alias="from")]
    unit: Literal["iso", "s", "ms", "us", "ns"] = "iso"
    offset: Offset | None = None


class FieldSource(_Part):
    """Where a field is. `unit`: in which it comes; it is converted to that of the field's name.

    `values`: what comes → what is meant, for words and codes. `missing`: what comes where there is none.
    """

    path: Annotated[str, Field(min_length=1, alias="from")]
    unit: str | None = None
    values: dict[str, Fixed] | None = None
    missing: tuple[Fixed | None, ...] = (None, "")

    @field_validator("missing", mode="before")
    @classmethod
    def _list_as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _converts_or_translates(self) -> Self:
        if self.unit is not None and self.values is not None:
            raise ValueError("a field has a unit, or values: take one of the two away")
        return self


class Mapping(_Part):
    """A whole mapping: from one outside record to one event, or none where a required part is missing."""

    type: str
    subject: str
    time: TimeSource
    fields: dict[str, FieldSource] = Field(default_factory=dict)
    fixed: dict[str, Fixed] = Field(default_factory=dict)
    id: str | None = None
    source: Annotated[str, Field(min_length=1)] | None = None
    input: Literal["json", "csv"] = "json"
    records: str | None = None
    delimiter: str = ","

    @property
    def model(self) -> Model:
        """The event type's model."""
        return MODELS[self.type]

    @cached_property
    def subject_template(self) -> Template:
        """The subject, with its holes."""
        return Template(self.subject)

    @field_validator("type")
    @classmethod
    def _is_an_event_type(cls, value: str) -> str:
        name = value if value in MODELS else f"io.quaystream.{value}"
        if name not in MODELS:
            raise ValueError(f"{value} is not an event type; there are {', '.join(MODELS)}")
        return name

    @field_validator("fields", mode="before")
    @classmethod
    def _text_is_a_path(cls, value: Any) -> Any:
        """`load_t: load` is short for `load_t: {from: load}`."""
        if not isinstance(value, dict):
            return value
        return {name: {"from": part} if isinstance(part, str) else part for name, part in value.items()}

    @field_validator("time", mode="before")
    @classmethod
    def _text_is_a_time(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str) else value

    @field_validator("delimiter")
    @classmethod
    def _is_a_delimiter(cls, value: str) -> str:
        value = _DELIMITERS.get(value, value)
        if len(value) != 1 or value in '"\r\n':
            raise ValueError("write comma, semicolon, tab or one character")
        return value

    @field_validator("subject", "id")
    @classmethod
    def _is_a_template(cls, value: str | None) -> str | None:
        if value is not None:
            Template(value)
        return value

    @field_validator("subject")
    @classmethod
    def _is_a_subject(cls, value: str) -> str:
        if not is_subject(Template(value).filled(lambda _: _PLACEHOLDER)):
            raise ValueError(f"{value} is not <UN/LOCODE>-<site>-<asset>; a hole is written {{field}}")
        return value

    @model_validator(mode="after")
    def _fits_the_event_type(self) -> Self:
        fault = next(self._faults(), None)
        if fault is not None:
            raise ValueError(fault)
        return self

    def _faults(self) -> Iterator[str]:
        known = self.model.model_fields
        for name in (*self.fields, *self.fixed):
            if name not in known:
                yield f"{name} is not a field of {self.type}; there are {', '.join(known)}"
        for name in self.fields.keys() & self.fixed.keys():
            yield f"{name} is both a field and fixed"
        for name, field in known.items():
            if field.is_required() and name not in self.fields and name not in self.fixed:
                yield f"{name} is required by {self.type}, and nothing says where it comes from"
        if not self.fields and not self.fixed:
            yield "fields: nothing is mapped"
        yield from self._detail_faults()

    def _detail_faults(self) -> Iterator[str]:
        for name, source in self.fields.items():
            yield from self._unit_faults(name, source.unit)
            for value in (source.values or {}).values():
                yield from self._value_faults(f"fields.{name}.values", name, value)
        for name, value in self.fixed.items():
            yield from self._value_faults(f"fixed.{name}", name, value)

    def _unit_faults(self, name: str, unit: str | None) -> Iterator[str]:
        if unit is None:
            return
        wanted = unit_of_field(name)
        if wanted is None:
            yield f"fields.{name}.unit: the name {name} says no unit to convert to"
        elif not convertible(unit, wanted):
            known = ", ".join(spelling for spelling in QUANTITIES if convertible(spelling, wanted))
            yield f"fields.{name}.unit: {unit} does not convert to {wanted}; these do: {known}"

    def _value_faults(self, where: str, name: str, value: Fixed) -> Iterator[str]:
        try:
            self.model.model_validate({name: value})
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                if fault["loc"][:1] == (name,) and fault["type"] != "missing":
                    yield f"{where}: {fault['msg'].removeprefix('Value error, ')}, not {value!r}"
