"""What a gateway's file says about this source, and about every source behind an MQTT broker."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.csv.mapping import load_mapping
from connectors.edge.source_settings import SourceSettings
from connectors.mqtt.access import MqttAccess, Tls, Version, tls_context
from connectors.mqtt.listener import Listener
from connectors.mqtt.reading import Identity, cloudevents, mapped
from connectors.mqtt.source import Route, TopicReader
from connectors.mqtt.topics import Topic
from schemas.errors import ConfigurationError


class BrokerSettings(SourceSettings):
    """How the broker is reached. `client_id` names our session there: no other client may use it.

    `tls`: checked with `ca_file`, or the system's authorities; `cert_file` and `key_file` where the broker asks for
    ours. `retained`: what the broker has kept from before we came is no event, unless it is to be taken.
    """

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65_535)]
    client_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    version: Version = "5"
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    keepalive_s: Annotated[int, Field(ge=1, le=65_535)] = 30
    session_s: Annotated[int, Field(ge=1, le=2**32 - 2)] = 7 * 86_400
    in_flight: Annotated[int, Field(ge=1, le=10_000)] = 100
    retained: Literal["ignore", "take"] = "ignore"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file come together")
        if not self.tls and (self.ca_file or self.cert_file):
            raise ValueError("ca_file, cert_file and key_file need `tls = true`")
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file needs a username")
        return self

    def check(self) -> None:
        """The files can be read; the broker is not asked."""
        try:
            if self.tls:
                tls_context(self._tls())
            self.access().password()
        except ConfigurationError as error:
            raise ConfigurationError(f"source {self.name}: {error}") from error

    def access(self) -> MqttAccess:
        """As the session takes it."""
        return MqttAccess(
            self.host,
            self.port,
            self.client_id,
            self.version,
            self._tls() if self.tls else None,
            self.username,
            self.password_file,
            self.keepalive_s,
            self.session_s,
            self.in_flight,
        )

    def _tls(self) -> Tls:
        return Tls(self.ca_file, self.cert_file, self.key_file)


class TopicSettings(BaseModel):
    """`topic` is a template. Without a `mapping` its messages are CloudEvents; with one, JSON.

    `identity`: `number`: the spool numbers events. `content`: their id is made of topic and payload.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: Annotated[str, Field(min_length=1)]
    mapping: str | None = None
    identity: Identity = "number"

    @model_validator(mode="after")
    def _has_a_mapping(self) -> Self:
        if self.identity == "content" and self.mapping is None:
            raise ValueError("`identity` is for topics with a `mapping`: a CloudEvent has its own")
        return self

    def route(self) -> Route:
        """As the reader takes it. Raises ConfigurationError."""
        read = cloudevents if self.mapping is None else mapped(load_mapping(self.mapping), self.identity)
        return Route(Topic(self.topic), read)


class MqttSettings(BrokerSettings):
    """The first of `topics` that a message fits says how it is read."""

    kind: Literal["mqtt"]
    topics: Annotated[tuple[TopicSettings, ...], Field(min_length=1)]

    def check(self) -> None:
        """The files can be read, the mappings and templates are right."""
        super().check()
        self._reader()

    def source(self) -> Listener:
        """The source."""
        return Listener(self.access(), self._reader(), self.retained == "take")

    def _reader(self) -> TopicReader:
        try:
            return TopicReader([topic.route() for topic in self.topics])
        except ConfigurationError as error:
            raise ConfigurationError(f"source {self.name}: {error}") from error
