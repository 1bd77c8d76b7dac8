"""What is agreed with a partner, as data: a YAML or TOML file, checked whole; whatever is wrong becomes one line."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from connectors.csv.mapping import line_of
from connectors.messages.places import SITE, Offset, Site
from schemas.errors import ConfigurationError

_Model = TypeVar("_Model", bound=BaseModel)


class Partner(BaseModel):
    """`site`: where a message happens that names no terminal. `offset`: of local times, which carry no zone."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    site: Site = SITE
    offset: Offset = "+07:00"


def load(model: type[_Model], path: Path) -> _Model:
    """The model that a file describes; raises ConfigurationError, which names file, field and fault."""
    content = content_of(path)
    root = None if path.suffix == ".toml" else yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    return checked(model, content, str(path), root)


def content_of(path: Path) -> Any:
    """What a YAML or TOML file holds, by its suffix; raises ConfigurationError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {path} ({getattr(error, 'strerror', 'not UTF-8')})") from error
    try:
        return tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise ConfigurationError(f"{path}:{line}: not YAML: {getattr(error, 'problem', error)}") from error


def checked(model: type[_Model], content: Any, where: str, root: yaml.Node | None = None) -> _Model:
    """The content as that model; a misspelt word before the one that is missing in its place, with its line in YAML."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        fault = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
        field = ".".join(map(str, fault["loc"]))
        said = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            known = f"; there are {', '.join(model.model_fields)}" if len(fault["loc"]) == 1 else ""
            said = f"not a word of this file{known}"
        if fault["loc"][-1:] == ("[key]",):
            said = f"{fault['loc'][-2]} is a number: write it in quotes"
        line = f":{line_of(root, fault['loc'])}" if root is not None and field else ""
        raise ConfigurationError(f"{where}{line}: {f'{field}: ' if field else ''}{said}") from error
