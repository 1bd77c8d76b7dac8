"""The gateway's file: TOML, checked whole before anything starts; whatever is wrong becomes one line.

How the brokers are reached is not in it: that is said by the QUAYSTREAM_ settings, as for every command.
"""

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from connectors.cloudevents_http.settings import HttpSettings
from connectors.edge.bounds import Bounds, WhenFull
from connectors.edge.sender import Delivery
from connectors.files.settings import FilesSettings
from connectors.mqtt.settings import MqttSettings
from connectors.opcua.settings import OpcUaSettings
from connectors.pm_inbox.settings import PmInboxSettings
from connectors.sparkplug.settings import SparkplugSettings
from connectors.stdin.settings import StdinSettings
from connectors.ves_http.settings import VesSettings
from schemas.errors import ConfigurationError

_SPANS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SIZES: Final = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}

# A new connector is its folder, and one more word here.
AnySource = Annotated[
    FilesSettings
    | HttpSettings
    | MqttSettings
    | OpcUaSettings
    | PmInboxSettings
    | SparkplugSettings
    | StdinSettings
    | VesSettings,
    Field(discriminator="kind"),
]


def _span(value: Any) -> Any:
    found = re.fullmatch(r"(\d{1,9})([smhd])", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("write a duration such as 30d, 12h, 5m or 2s")
    return timedelta(seconds=int(found[1]) * _SPANS[found[2]])


def _size(value: Any) -> Any:
    found = re.fullmatch(r"(\d{1,9})(B|KiB|MiB|GiB|TiB)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("write a size such as 512MiB or 4GiB")
    return int(found[1]) * _SIZES[found[2]]


Span = Annotated[timedelta, BeforeValidator(_span), Field(gt=timedelta(0))]
Size = Annotated[int, BeforeValidator(_size), Field(ge=1024**2)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SpoolConfig(_Part):
    """Where events wait, and how many may."""

    path: Path
    max_bytes: Size = 1024**3
    max_age: Span = timedelta(days=30)
    when_full: WhenFull = "refuse"

    def bounds(self) -> Bounds:
        """As the spool takes them."""
        return Bounds(self.max_bytes, self.max_age, self.when_full)


class DeliveryConfig(_Part):
    """How events go to Kafka."""

    catch_up_per_s: Annotated[float, Field(ge=1)] = 2_000.0
    live_for: Span = timedelta(seconds=2)
    timeout: Span = timedelta(seconds=30)

    def delivery(self) -> Delivery:
        """As the sender takes them."""
        return Delivery(self.catch_up_per_s, self.live_for, self.timeout)


class Config(_Part):
    """The whole file. `source` names this gateway in events that name none."""

    source: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/_.-]+$")]
    spool: SpoolConfig
    delivery: DeliveryConfig = DeliveryConfig()
    sources: Annotated[tuple[AnySource, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [source.name for source in self.sources]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two sources are named {twice}: cursors and metrics need one name each")
        if sum(source.kind == "stdin" for source in self.sources) > 1:
            raise ValueError("there is one standard input: take all but one source of kind stdin away")
        return self


def load_config(path: Path) -> Config:
    """The file, checked; relative paths in it are from where the command runs. Raises ConfigurationError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {path} ({getattr(error, 'strerror', 'not UTF-8')})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    try:
        config = Config.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {_explain(error)}") from error
    for source in config.sources:
        source.check()
    return config


def _explain(error: ValidationError) -> str:
    """A misspelt word before the one that is missing in its place."""
    faults = error.errors(include_url=False)
    fault = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    # The word that chose the kind of a source is not part of where it stands.
    kinds = {"files", "http", "mqtt", "opcua", "pm-xml", "sparkplug", "stdin", "ves"}
    where = ".".join(str(part) for part in fault["loc"] if part not in kinds)
    said = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        said = "not a word of this file; docs/how-to/gateway.md lists them"
    return f"{where}: {said}" if where else said
