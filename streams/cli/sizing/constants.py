"""schemas/capacity.yaml: what a terminal sends and what was measured, with where; and how a benchmark refreshes it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import schemas
from schemas.errors import ConfigurationError

FILE = Path(schemas.__file__).parent / "capacity.yaml"
_PARTS = ("worker", "database", "broker")
DAY_S = 86_400


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Flow(_Strict):
    """Events of one type: `sources` of them send `per_day` events each."""

    topic: str
    origin: Annotated[str, Field(alias="from")]
    sources: Annotated[int, Field(ge=1)]
    per_day: Annotated[float, Field(gt=0)]
    why: str

    @property
    def events_per_s(self) -> float:
        """Of all sources together, averaged over the day."""
        return self.sources * self.per_day / DAY_S


class Measured(_Strict):
    """A figure, and where it was measured."""

    value: Annotated[float, Field(gt=0)]
    unit: str
    where: Annotated[str, Field(min_length=1)]


class Stored(_Strict):
    """What one event of a type leaves: rows, bytes of a row and of its index entries; the same of a minute's row."""

    rows_per_event: Annotated[float, Field(gt=0)]
    row_bytes: Annotated[float, Field(gt=0)]
    index_bytes: Annotated[float, Field(ge=0)]
    minute_bytes: Annotated[float, Field(ge=0)] = 0.0

    @property
    def bytes_per_event(self) -> float:
        """In the database, indexes in it."""
        return self.rows_per_event * (self.row_bytes + self.index_bytes)


class Figures(_Strict):
    """All that is measured but sizes by type."""

    worker_us_per_event: Measured
    database_us_per_event: Measured
    broker_us_per_event: Measured
    worker_events_per_s: Measured
    worker_rss_mb: Measured
    wal_bytes_per_event: Measured


class Constants(_Strict):
    """The whole file."""

    terminal: dict[str, Flow]
    measured: Figures
    stored_where: str
    stored: dict[str, Stored]
    record_bytes: dict[str, float]


def load(file: Path = FILE) -> Constants:
    """Raises ConfigurationError."""
    try:
        return Constants.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ConfigurationError(f"cannot read {file}: {error}") from error


def fresh(result: Mapping[str, Any], where: str) -> dict[str, Measured]:
    """What a result of `bench` or `bench-curves` has measured anew; raises ConfigurationError when it is neither."""
    entry = _ours(result)
    if entry is None:
        raise ConfigurationError(f"{where} has no figures of quaystream: name a result of `bench` or `bench-curves`")
    figures = {f"{part}_us_per_event": (entry["cpu_us_per_event"][part], "µs") for part in _PARTS}
    figures |= {"worker_events_per_s": (entry["events_per_s"], "events/s"), "worker_rss_mb": (entry["rss_mb"], "MB")}
    return {name: Measured(value=value, unit=unit, where=where) for name, (value, unit) in figures.items()}


def refreshed(constants: Constants, measured: Mapping[str, Measured]) -> Constants:
    """The constants with those figures in place of the old ones."""
    return constants.model_copy(update={"measured": constants.measured.model_copy(update=dict(measured))})


def rewrite(measured: Mapping[str, Measured], file: Path = FILE) -> None:
    """Put the figures into the file, line by line: its comments stay."""
    text = file.read_text(encoding="utf-8")
    for name, figure in measured.items():
        line = f"  {name}: {{value: {figure.value:g}, unit: {figure.unit}, where: {json.dumps(figure.where)}}}"
        text, found = re.subn(rf"^  {name}: .*$", line.replace("\\", r"\\"), text, flags=re.MULTILINE)
        if found != 1:
            raise ConfigurationError(f"{file} has no line for {name}")
    file.write_text(text, encoding="utf-8")


def _ours(result: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The crane samples through one worker: a contestant of `bench`, or empty tables of `bench-curves`."""
    for workload in result.get("workloads", ()):
        for entry in workload["contestants"]:
            if entry["name"] == "quaystream":
                return dict(entry)
    curve = result.get("curves", {}).get("rows")
    return dict(curve["points"][0]) if curve else None
