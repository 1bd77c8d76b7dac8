"""What a gateway's file says about this source, beside how the broker is reached."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.csv.mapping import load_mapping
from connectors.mqtt.listener import Listener
from connectors.mqtt.settings import BrokerSettings
from connectors.mqtt.topics import Topic
from connectors.opcua.source import Delta, OpcUaReader, Route
from schemas.errors import ConfigurationError


class DataSets(BaseModel):
    """`topic` is a template; `mappings`: what fields become. A field that none names is nothing to us."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: Annotated[str, Field(min_length=1)]
    mappings: Annotated[tuple[str, ...], Field(min_length=1)]

    def route(self) -> Route:
        """As the reader takes it. Raises ConfigurationError."""
        return Route(Topic(self.topic), [load_mapping(name) for name in self.mappings])


class OpcUaSettings(BrokerSettings):
    """`delta`: `whole`: a delta frame is completed from the key frame before it. `changes`: it says what it says."""

    kind: Literal["opcua"]
    topics: Annotated[tuple[DataSets, ...], Field(min_length=1)]
    delta: Delta = "whole"

    def check(self) -> None:
        """The files can be read, the mappings and templates are right."""
        super().check()
        self._reader()

    def source(self) -> Listener:
        """The source."""
        return Listener(self.access(), self._reader(), self.retained == "take")

    def _reader(self) -> OpcUaReader:
        try:
            return OpcUaReader([sets.route() for sets in self.topics], self.delta)
        except ConfigurationError as error:
            raise ConfigurationError(f"source {self.name}: {error}") from error
