"""What a gateway's file says about this source."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from connectors.cloudevents_http.source import HttpSource
from connectors.edge.listening import Certificates, Listening
from connectors.edge.source_settings import SourceSettings
from connectors.messages.formats import decoder_of
from schemas.errors import ConfigurationError


class HttpSettings(SourceSettings):
    """Where to listen, and who may post: `token_file` holds a bearer token, `cert_file` and `key_file` make it TLS.

    With `client_ca_file` every client needs a certificate signed by it. `max_body_bytes` bounds one request.
    `format`: what is posted; of messages `mapping` is the partner's file.
    """

    kind: Literal["http"]
    bind: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)]
    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/_.-]*$")] = "/events"
    max_body_bytes: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    format: Literal["cloudevents", "mapped", "edifact", "dcsa", "tic"] = "cloudevents"
    mapping: str | None = None
    token_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    client_ca_file: Path | None = None

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if problem := self._certificates().problem():
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _has_a_mapping(self) -> Self:
        if self.format == "mapped" and self.mapping is None:
            raise ValueError('`format = "mapped"` needs a `mapping`')
        if self.format == "cloudevents" and self.mapping is not None:
            raise ValueError('`mapping` is not for `format = "cloudevents"`')
        return self

    def check(self) -> None:
        """The files can be read."""
        self.source()
        for file in (self.token_file, self.cert_file, self.key_file, self.client_ca_file):
            if file is not None and not file.is_file():
                raise ConfigurationError(f"source {self.name}: cannot read {file}: name a readable file")

    def source(self) -> HttpSource:
        """The source."""
        listening = Listening(self.bind, self.port, self.max_body_bytes, self._certificates())
        decode = None if self.format == "cloudevents" else decoder_of(self.format, self.mapping)
        return HttpSource(self.path, listening, self.token_file, decode)

    def _certificates(self) -> Certificates:
        return Certificates(self.cert_file, self.key_file, self.client_ca_file)
