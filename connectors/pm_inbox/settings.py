"""What a gateway's file says about this source, and about files that another source was told of."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.edge.source_settings import EventTopic, SourceSettings
from connectors.network.subjects import SITE, Subjects, load_subjects, subjects_at
from connectors.pm_inbox.fetching import Fetcher
from connectors.pm_inbox.source import PmInbox, Watch
from connectors.pm_inbox.whence import Whence
from schemas.errors import ConfigurationError

Host = Annotated[str, Field(pattern=r"^[a-z0-9.-]+(:\d{1,5})?$")]


class PmInboxSettings(SourceSettings):
    """The folder is looked at every `poll_s` seconds; a file that rested for `complete_after_s` is whole.

    `site` or `map` (a YAML file) says which element is which asset.
    """

    kind: Literal["pm-xml"]
    refused_to: EventTopic = "cell-events"
    folder: Path
    pattern: Annotated[str, Field(min_length=1)] = "*.xml*"
    poll_s: Annotated[float, Field(gt=0)] = 5.0
    complete_after_s: Annotated[float, Field(ge=0)] = 10.0
    site: str | None = None
    map: Path | None = None

    def check(self) -> None:
        """The folder is there, and the mapping can be read."""
        if not self.folder.is_dir():
            raise ConfigurationError(f"source {self.name}: {self.folder} is not a folder: create it")
        subjects_of(self.name, self.site, self.map)

    def source(self) -> PmInbox:
        """The source."""
        watch = Watch(self.folder, self.pattern, self.poll_s, self.complete_after_s)
        return PmInbox(watch, subjects_of(self.name, self.site, self.map))


class FilesAnnounced(BaseModel):
    """Where announced files may come from: `folder`, a directory mounted here, and https on `hosts` (`name`, `name:port`).

    `ca_file` signs these hosts; `username_file` and `password_file` are shown to them. What is not there after
    `give_up_after_s` is given up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path | None = None
    hosts: tuple[Host, ...] = ()
    ca_file: Path | None = None
    username_file: Path | None = None
    password_file: Path | None = None
    max_file_bytes: Annotated[int, Field(ge=1024)] = 512 * 1024 * 1024
    give_up_after_s: Annotated[float, Field(gt=0)] = 3_600.0

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.folder is None and not self.hosts:
            raise ValueError("name a folder, or hosts, or both")
        if (self.username_file is None) != (self.password_file is None):
            raise ValueError("username_file and password_file come together")
        return self

    def check(self, name: str) -> None:
        """Everything it names is there."""
        if self.folder is not None and not self.folder.is_dir():
            raise ConfigurationError(f"source {name}: {self.folder} is not a folder: mount or create it")
        for file in (self.ca_file, self.username_file, self.password_file):
            if file is not None and not file.is_file():
                raise ConfigurationError(f"source {name}: cannot read {file}: name a readable file")

    def fetcher(self, subjects: Subjects) -> Fetcher:
        """What fetches them."""
        whence = Whence(self.folder, frozenset(self.hosts), self.ca_file, self._user(), self.max_file_bytes)
        return Fetcher(whence, subjects, timedelta(seconds=self.give_up_after_s))

    def _user(self) -> aiohttp.BasicAuth | None:
        if self.username_file is None or self.password_file is None:
            return None
        name, password = (file.read_text(encoding="utf-8").strip() for file in (self.username_file, self.password_file))
        return aiohttp.BasicAuth(name, password, "utf-8")


def subjects_of(name: str, site: str | None, mapping: Path | None) -> Subjects:
    """Which element is which asset. Raises ConfigurationError."""
    if site is not None and mapping is not None:
        raise ConfigurationError(f"source {name}: site and map say the same: take one of the two away")
    return subjects_at(site or SITE) if mapping is None else load_subjects(str(mapping))
