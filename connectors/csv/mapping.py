"""The mapping language: which columns a file has, and what each becomes in an event.

A mapping is a YAML file; the shipped ones are in schemas/maps. docs/how-to/publish.md explains every word.
"""

import codecs
import re
from collections.abc import Iterator
from datetime import timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

import schemas
from schemas.errors import ConfigurationError
from schemas.events import MODELS
from schemas.identifiers import is_subject

SHIPPED: Final = Path(schemas.__file__).parent / "maps"
WHITESPACE: Final = "whitespace"
TRACE_SITE: Final = "VNHPH-DEEPC2"
_DELIMITERS: Final = {"tab": "\t", "comma": ",", "semicolon": ";"}
_SITE: Final = re.compile(r"[A-Z]{2}[A-Z2-9]{3}-[A-Z0-9]{2,16}")
_OFFSET: Final = re.compile(r"([+-])([01][0-9]|2[0-3]):([0-5][0-9])")


def _offset(text: str) -> str:
    if not _OFFSET.fullmatch(text):
        raise ValueError("an offset is written as +07:00")
    return text


def _encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise ValueError(f"{name} is no known encoding") from error


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TimeColumn(_Part):
    """Where the event time is. Epoch numbers are UTC; `iso` texts without an offset need `offset`."""

    column: str
    unit: Literal["s", "ms", "us", "iso"]
    offset: Annotated[str, AfterValidator(_offset)] | None = None

    def zone(self) -> timezone | None:
        """The zone of texts that name none."""
        found = _OFFSET.fullmatch(self.offset) if self.offset else None
        if found is None:
            return None
        minutes = int(found[2]) * 60 + int(found[3])
        return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))


class Subject(_Part):
    """The asset. `value`: always this one; `column`: from each row; neither: from the name of the file.

    With `site`, the column's or the file's name is made an asset of that site; without, a column must
    hold whole subjects.
    """

    value: str | None = None
    column: str | None = None
    site: str | None = None

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if self.value is not None and (self.column or self.site):
            raise ValueError("value stands alone: take column and site away")
        if self.value is not None and not is_subject(self.value):
            raise ValueError(f"{self.value} is not <UN/LOCODE>-<site>-<asset>")
        if self.site is not None and not _SITE.fullmatch(self.site):
            raise ValueError(f"site {self.site} is not <UN/LOCODE>-<site>")
        return self


class FieldColumn(_Part):
    """One data field: its column, what kind of value it is, and what to multiply a number with to get the unit."""

    column: str
    type: Literal["number", "integer", "text", "boolean"]
    scale: float | None = None

    @model_validator(mode="after")
    def _scales_numbers(self) -> Self:
        if self.scale is not None and self.type != "number":
            raise ValueError("only a field of type number can have a scale")
        return self


class Mapping(_Part):
    """A whole mapping. `widths`: how many columns a row may have, when more than the header and `unnamed` say."""

    type: str
    time: TimeColumn
    fields: Annotated[dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], FieldColumn], Field(min_length=1)]
    subject: Subject = Subject(site=TRACE_SITE)
    constants: dict[str, str | int | float | bool] = Field(default_factory=dict)
    source: Annotated[str, Field(min_length=1)] | None = None
    delimiter: str = ","
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    header: Literal["names", "skip", "none"] = "names"
    columns: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    widths: tuple[Annotated[int, Field(ge=1)], ...] = ()
    missing: tuple[str, ...] = ("",)

    @field_validator("columns", "unnamed", "widths", "missing", mode="before")
    @classmethod
    def _list_as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("type")
    @classmethod
    def _is_an_event_type(cls, value: str) -> str:
        if value not in MODELS:
            raise ValueError(f"{value} is not an event type; there are {', '.join(MODELS)}")
        return value

    @field_validator("delimiter")
    @classmethod
    def _is_a_delimiter(cls, value: str) -> str:
        value = _DELIMITERS.get(value, value)
        if value != WHITESPACE and (len(value) != 1 or value in '"\r\n'):
            raise ValueError("write whitespace, tab, comma, semicolon or one character")
        return value

    @model_validator(mode="after")
    def _knows_its_columns(self) -> Self:
        if self.header == "names" and self.columns:
            raise ValueError("columns are read from the header line: take `columns` away or write `header: skip`")
        if self.header != "names" and not self.columns:
            raise ValueError(f"header: {self.header} needs `columns`, the names in their order")
        names = self.columns + self.unnamed
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"column {twice} is named twice")
        unknown = [name for name in self.used_columns() if name not in names]
        if self.columns and unknown:
            raise ValueError(f"column {unknown[0]} is used but not among `columns`")
        both = self.fields.keys() & self.constants.keys()
        if both:
            raise ValueError(f"{min(both)} is both a field and a constant")
        return self

    def used_columns(self) -> Iterator[str]:
        """The columns that events are made from."""
        yield self.time.column
        if self.subject.column:
            yield self.subject.column
        for field in self.fields.values():
            yield field.column


def load_mapping(name: str) -> Mapping:
    """The shipped mapping of that name, or the one in that file; raises ConfigurationError naming line and field."""
    path = _path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read mapping {path} ({getattr(error, 'strerror', 'not UTF-8')})") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise ConfigurationError(f"{path}:{line}: not YAML: {getattr(error, 'problem', error)}") from error
    try:
        return Mapping.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"{path}:{_explain(error, root)}") from error


def _path(name: str) -> Path:
    shipped = SHIPPED / f"{name}.yaml"
    if shipped.is_file():
        return shipped
    if Path(name).is_file():
        return Path(name)
    names = ", ".join(sorted(path.stem for path in SHIPPED.glob("*.yaml")))
    raise ConfigurationError(f"no mapping {name}: give a YAML file or one of the shipped ones ({names})")


def _explain(error: ValidationError, root: yaml.Node | None) -> str:
    """Line, field and what is wrong; a misspelt word before the one that is missing in its place."""
    faults = error.errors(include_url=False)
    fault = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    said = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        said = "not a word of the mapping language"
    where = ".".join(str(part) for part in fault["loc"])
    return f"{line_of(root, fault['loc'])}: {where or 'mapping'}: {said}"


def line_of(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """The line of the deepest part of `location` that a YAML file has."""
    if node is None:
        return 1
    line = node.start_mark.line + 1
    for part in location:
        found = _child(node, part)
        if found is None:
            break
        key, node = found
        line = key.start_mark.line + 1
    return line


def _child(node: yaml.Node, part: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None
