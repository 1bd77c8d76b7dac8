"""Which asset a network element or measured object is: a mapping that is data, else the element's name at a site."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import ConfigurationError
from schemas.identifiers import is_subject

SITE: Final = "VNHPH-DEEPC2"
_SITE: Final = re.compile(r"[A-Z]{2}[A-Z2-9]{3}-[A-Z0-9]{2,16}")


class Subjects(BaseModel):
    """`subjects`: pattern (`*`, `?`) of an element, or of element and object with a comma between → asset; first match.

    What no pattern matches is the element at `site`, under the last part of its distinguished name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    site: str = SITE
    subjects: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_good_names(self) -> Self:
        if not _SITE.fullmatch(self.site):
            raise ValueError(f"site {self.site} is not <UN/LOCODE>-<site>")
        wrong = next((s for s in self.subjects.values() if not is_subject(s)), None)
        if wrong is not None:
            raise ValueError(f"{wrong} is not <UN/LOCODE>-<site>-<asset>")
        return self

    def of(self, element: str, measured: str | None) -> str:
        """The subject of an element's event, or of a measured object of it."""
        names = [element] if measured is None else [f"{element},{measured}", element]
        for name in names:
            for pattern, subject in self.subjects.items():
                if fnmatchcase(name, pattern):
                    return subject
        return f"{self.site}-{asset_name(element)}"


def asset_name(element: str) -> str:
    """The last part of a subject: `…,ManagedElement=gnb-01` → `GNB_01`; at most 32 of A-Z, 0-9 and _."""
    last = element.rpartition(",")[2].rpartition("=")[2] or element
    return re.sub(r"[^A-Z0-9_]", "_", last.strip().upper())[:32] or "UNNAMED"


def subjects_at(site: str) -> Subjects:
    """Every element at one site; raises ConfigurationError where that is none."""
    return _valid({"site": site}, "--site")


def load_subjects(path: str) -> Subjects:
    """The mapping in a YAML file; raises ConfigurationError that says what is wrong with it."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"cannot read subjects from {path}: {error}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: a mapping has `site` and `subjects`")
    return _valid(content, path)


def _valid(content: Mapping[str, Any], where: str) -> Subjects:
    try:
        return Subjects.model_validate(content)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(map(str, fault["loc"]))
        said = fault["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{where}: {field + ': ' if field else ''}{said}") from error
