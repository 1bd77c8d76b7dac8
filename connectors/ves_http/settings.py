"""What a gateway's file says about this source."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from connectors.edge.listening import Certificates, Listening
from connectors.edge.source_settings import EventTopic, SourceSettings
from connectors.pm_inbox.settings import FilesAnnounced, subjects_of
from connectors.ves_http.kinds import Need
from connectors.ves_http.source import VesSource
from connectors.ves_http.users import Users, users_in
from schemas.errors import ConfigurationError


class VesSettings(SourceSettings):
    """Where to listen, and who may post: `users_file` (basic), `client_ca_file` (certificates), or both.

    `check_by`: `needed` wants what we read, `standard` everything that VES requires. `site` or `map` says which element
    is which asset. `files` says where announced files may come from; without it they are noted only.
    """

    kind: Literal["ves"]
    refused_to: EventTopic = "cell-events"
    bind: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)]
    max_body_bytes: Annotated[int, Field(ge=1024)] = 2 * 1024 * 1024
    users_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    client_ca_file: Path | None = None
    check_by: Need = "needed"
    site: str | None = None
    map: Path | None = None
    files: FilesAnnounced | None = None

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if problem := self._certificates().problem():
            raise ValueError(problem)
        return self

    def check(self) -> None:
        """Everything it names can be read."""
        for file in (self.users_file, self.cert_file, self.key_file, self.client_ca_file):
            if file is not None and not file.is_file():
                raise ConfigurationError(f"source {self.name}: cannot read {file}: name a readable file")
        if self.users_file is not None:
            users_in(self.users_file)
        if self.files is not None:
            self.files.check(self.name)
        subjects_of(self.name, self.site, self.map)

    def source(self) -> VesSource:
        """The source."""
        subjects = subjects_of(self.name, self.site, self.map)
        listening = Listening(self.bind, self.port, self.max_body_bytes, self._certificates())
        users = None if self.users_file is None else Users(self.users_file)
        fetcher = None if self.files is None else self.files.fetcher(subjects)
        return VesSource(listening, self.check_by, subjects, users, fetcher)

    def _certificates(self) -> Certificates:
        return Certificates(self.cert_file, self.key_file, self.client_ca_file)
