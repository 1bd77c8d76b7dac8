"""What every event model has in common: strict types, its CloudEvents type, and its one rule beyond types."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

from pydantic import BaseModel, ConfigDict, JsonValue, model_validator

TYPE_PREFIX = "io.quaystream."


def _refuse_nul(value: Any) -> None:
    for text in _texts(value):
        if "\0" in text:
            raise ValueError("NUL character in text")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


class Rule(Protocol):
    """A rule beyond types: what is wrong with a value of the event type, or None."""

    def __call__(self, data: Any, /) -> str | None: ...


class EventPart(BaseModel):
    """A strict, frozen value. No number from text or bool, no NaN or infinity; unknown fields are kept apart."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, JsonValue]


class EventData(EventPart):
    """The data of one event type.

    `TYPE` is the CloudEvents type. `RULE` looks at the fields of a value (this model or the hot
    decoder's struct) and returns what is wrong, or None.
    """

    TYPE: ClassVar[str]
    RULE: ClassVar[Rule | None] = None

    @model_validator(mode="before")
    @classmethod
    def _no_nul(cls, value: Any) -> Any:
        _refuse_nul(value)
        return value

    @model_validator(mode="after")
    def _keeps_its_rule(self) -> Self:
        rule = type(self).RULE
        problem = rule(self) if rule else None
        if problem:
            raise ValueError(problem)
        return self


@dataclass(frozen=True, slots=True)
class AtLeastOne:
    """The rule of a reading that may lack any field but not all of them."""

    any_of: tuple[str, ...]

    def __call__(self, data: Any, /) -> str | None:
        if all(getattr(data, field) is None for field in self.any_of):
            return "no known field has a value"
        return None
