"""What every event model has in common: strict types, its CloudEvents type, and its one rule beyond types."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

from pydantic import BaseModel, ConfigDict, JsonValue, model_validator

TYPE_PREFIX = "io.quaystream."


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _has_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(_has_nul, value))


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
        if _has_nul(value):
            raise ValueError("NUL character in text")
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
