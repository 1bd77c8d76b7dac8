"""What a gateway's file says about this source."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from connectors.csv.mapping import load_mapping
from connectors.edge.door import Source
from connectors.edge.source_settings import SourceSettings
from connectors.files.documents import DocumentsSource
from connectors.files.lines import Lines, json_lines, mapped_lines
from connectors.files.source import FilesSource, Watch
from connectors.messages.formats import NAMES, decoder_of
from schemas.errors import ConfigurationError


class FilesSettings(SourceSettings):
    """`mapping` belongs to `csv` and `mapped`: a file, or for `csv` a shipped name. Of messages it is the partner's file.

    The folder is looked at every `poll_s` seconds. A last line without an end, and a whole message, is taken when the
    file has not grown for `complete_after_s` seconds.
    """

    kind: Literal["files"]
    folder: Path
    pattern: Annotated[str, Field(min_length=1)] = "*"
    format: Literal["json", "csv", "mapped", "edifact", "dcsa", "tic"] = "json"
    mapping: str | None = None
    poll_s: Annotated[float, Field(gt=0)] = 1.0
    complete_after_s: Annotated[float, Field(gt=0)] = 10.0

    @model_validator(mode="after")
    def _has_a_mapping(self) -> Self:
        if self.format in ("csv", "mapped") and self.mapping is None:
            raise ValueError('`mapping` is for `format = "csv"` and "mapped", which need one')
        if self.format == "json" and self.mapping is not None:
            raise ValueError('`mapping` is not for `format = "json"`, which is CloudEvents')
        return self

    def check(self) -> None:
        """The folder is there, and the mapping can be read."""
        if not self.folder.is_dir():
            raise ConfigurationError(f"source {self.name}: {self.folder} is not a folder: create it")
        self.source()

    def source(self) -> Source:
        """The source."""
        watch = Watch(self.folder, self.pattern, self.poll_s, self.complete_after_s)
        if self.format in NAMES:
            return DocumentsSource(watch, decoder_of(self.format, self.mapping))
        return FilesSource(watch, self._lines())

    def _lines(self) -> Lines:
        return json_lines() if self.mapping is None else mapped_lines(load_mapping(self.mapping))
