"""Contracts of sharing: what one agency may read, for one purpose. The data are YAML files; this reads and checks them.

From a contract come its views (`connectors/sharing/views.py`), its topics, what `quaystream share run` forwards, and the
scopes of the read API. What no contract says is given to nobody.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Self, get_args

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from schemas.classification import CLASSES, Class, Classified, Purpose
from schemas.derived import column_class
from schemas.errors import ConfigurationError
from schemas.facts import FACT_TABLES
from schemas.reference import load_sites
from schemas.share.masks import FITS, Mask
from schemas.tables import RAW_BY_NAME, Column
from schemas.topics import TOPIC_BY_TYPE

FOLDER: Final = Path(__file__).parent
SUBJECT: Final = "subject"
"""The asset's whole name, as a field of its own: of cargo it holds the container number."""
ALWAYS: Final = ("id", "time", "site")
"""What comes with every row and event: an id that is the agency's own, when, and where."""
_SPANS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LONGEST_NAME: Final = 63
_FACTS: Final = {table.name: table for table in FACT_TABLES}


def _span(value: Any) -> Any:
    found = re.fullmatch(r"(\d{1,6})([dhms])", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("write a duration such as 365d, 12h, 30m or 0s")
    return timedelta(seconds=int(found[1]) * _SPANS[found[2]])


def _moment(value: Any) -> Any:
    """A day is its midnight in UTC."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise ValueError("write a day such as 2026-01-31, or a time with its offset")


def _is_mask(value: str) -> str:
    if value not in get_args(Mask):
        raise ValueError(f"write one of {', '.join(get_args(Mask))}")
    return value


Span = Annotated[timedelta, BeforeValidator(_span)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,23}$")]
Text = Annotated[str, Field(min_length=3, max_length=400)]


class Dataset(BaseModel):
    """The part of one table that a contract gives: `fields` and how each is masked, in the order of the file."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    table: str
    fields: Mapping[str, Mask]

    @property
    def word(self) -> str:
        """The table's name without its schema."""
        return self.table.partition(".")[2]

    @property
    def event_type(self) -> str | None:
        """The event type behind a raw table; None for facts, which have no topic."""
        raw = RAW_BY_NAME.get(self.table)
        return raw.model.TYPE if raw else None

    @property
    def asset(self) -> str | None:
        """The column that holds the subject."""
        raw = RAW_BY_NAME.get(self.table)
        return raw.asset if raw else None

    @property
    def at(self) -> str:
        """The column that places a row in time."""
        return "time" if self.table in RAW_BY_NAME else _FACTS[self.table].at

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns that make a row's id."""
        return ("source", "event_id") if self.table in RAW_BY_NAME else ("site", _FACTS[self.table].key)

    def column(self, field: str) -> Column | None:
        """The column behind a field."""
        name = self.asset if field == SUBJECT else field
        return next((column for column in _columns(self.table) if column.name == name), None)

    def classed(self, field: str) -> Classified | None:
        """The class of a field."""
        column = self.column(field)
        return None if column is None else column_class(self.table, column.name)

    def classes(self) -> tuple[Class, ...]:
        """The classes of its fields, the least restricted first; a masked field keeps the class of what it masks."""
        found = {one.name for field in self.fields if (one := self.classed(field)) is not None}
        return tuple(name for name in CLASSES if name in found)


class Contract(BaseModel):
    """What an agency may read for a purpose: where, which fields, how old at the least and at the most, from when to when."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    agency: Word
    purpose: Purpose
    title: Text
    basis: Text
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    sites: Annotated[tuple[str, ...], Field(min_length=1)]
    valid_from: Moment
    valid_until: Moment
    delay: Span
    retention: Annotated[Span, Field(gt=timedelta(0))]
    shares: Annotated[Mapping[str, Mapping[str, Annotated[Mask, AfterValidator(_is_mask)]]], Field(min_length=1)]

    @property
    def name(self) -> str:
        """`<agency>-<purpose>`: the file, the consumer group, the audit."""
        return f"{self.agency}-{self.purpose}"

    @property
    def role(self) -> str:
        """The agency's role of the database."""
        return f"share_{self.agency}"

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        return tuple(Dataset(table=f"port.{word}", fields=fields) for word, fields in self.shares.items())

    @property
    def digest(self) -> str:
        """SHA-256 over everything it says: a view answers only for the contract it was made from."""
        said = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()

    def view(self, dataset: Dataset) -> str:
        """The view of a dataset."""
        return f"share.{self.agency}_{self.purpose}_{dataset.word}"

    def topic(self, event_type: str) -> str:
        """The topic of an event type's domain."""
        return f"share-{self.agency}-{self.purpose}-{TOPIC_BY_TYPE[event_type].domain}"

    def topics(self) -> tuple[str, ...]:
        """Every topic it is served by, sorted."""
        return tuple(sorted({self.topic(d.event_type) for d in self.datasets if d.event_type}))

    def is_valid(self, now: datetime) -> bool:
        return self.valid_from <= now < self.valid_until

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.valid_until <= self.valid_from:
            raise ValueError("valid_until is not after valid_from")
        unknown = sorted(set(self.sites) - {site.site_id for site in load_sites()})
        if unknown:
            raise ValueError(f"sites: {', '.join(unknown)} not declared in schemas/reference/sites.yaml")
        for dataset in self.datasets:
            self._check(dataset)
        return self

    def _check(self, dataset: Dataset) -> None:
        word = dataset.word
        if not _columns(dataset.table) or dataset.table == "port.cell_measurement":
            raise ValueError(f"shares.{word}: no table that can be shared")
        if not dataset.fields:
            raise ValueError(f"shares.{word}: names no field")
        if len(self.view(dataset).partition(".")[2]) > _LONGEST_NAME:
            raise ValueError(f"shares.{word}: the view's name would be too long, shorten the agency's")
        for field, mask in dataset.fields.items():
            self._check_field(dataset, field, mask)

    def _check_field(self, dataset: Dataset, field: str, mask: Mask) -> None:
        where = f"shares.{dataset.word}.{field}"
        column, found = dataset.column(field), dataset.classed(field)
        if column is None or found is None or field in (*ALWAYS, "extra"):
            raise ValueError(f"{where}: no field that can be shared")
        if self.purpose not in found.purposes:
            serves = ", ".join(found.purposes)
            raise ValueError(f"{where}: may not serve {self.purpose}, only {serves} (schemas/classification.py)")
        if column.kind not in FITS[mask]:
            raise ValueError(f"{where}: {mask} is not for a column of kind {column.kind}")


def _columns(table: str) -> tuple[Column, ...]:
    raw = RAW_BY_NAME.get(table)
    if raw is not None:
        return raw.columns
    fact = _FACTS.get(table)
    return fact.columns if fact else ()


def load_contracts(folder: Path = FOLDER) -> tuple[Contract, ...]:
    """Every contract of a folder, by name. Raises ConfigurationError with one line that says which file and what."""
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is no folder: name one that holds contracts (*.yaml)")
    return tuple(_read(path) for path in sorted(folder.glob("*.yaml")))


def _read(path: Path) -> Contract:
    try:
        contract = Contract.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        said = fault["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{path.name}: {where}: {said}" if where else f"{path.name}: {said}") from error
    if path.stem != contract.name:
        raise ConfigurationError(
            f"{path.name}: a contract's file is named <agency>-<purpose>.yaml: {contract.name}.yaml"
        )
    return contract
