"""Onboarding: what a file says, and whether it may be so.

`read_port` reads and checks it against the code lists; all that is wrong comes at once, each fault with its line.
Nothing here speaks to a broker or a database.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from schemas.errors import ConfigurationError
from schemas.onboard.checks import agreed_faults, cross_faults
from schemas.onboard.model import GatewayEntry, Port
from schemas.onboard.positions import Document, written
from schemas.onboard.positions import Path as Place

__all__ = ["FaultsError", "GatewayEntry", "Port", "read_port", "read_ports"]


class FaultsError(ConfigurationError):
    """A file that says something wrong; `faults` are its lines."""

    def __init__(self, file: str, faults: list[str]) -> None:
        self.faults = faults
        many = f"{len(faults)} faults" if len(faults) > 1 else "one fault"
        super().__init__("\n  ".join([f"{file} has {many}, and nothing was changed:", *faults]))


def _is_own(fault: Mapping[str, Any]) -> bool:
    """A list whose entries are all wrong is called too short besides."""
    return fault["type"] != "too_short" or not fault["input"]


def _in_words(fault: Mapping[str, Any]) -> str:
    words: dict[str, str] = {"missing": "is missing", "extra_forbidden": "is no word of this file"}
    return words.get(fault["type"], str(fault["msg"]).removeprefix("Value error, "))


def read_port(path: Path) -> Port:
    """A file, checked. Raises FaultsError with everything that is wrong with it, ConfigurationError where it is no YAML."""
    try:
        document = Document(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {path} ({getattr(error, 'strerror', None) or 'not text'})") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
    found: list[tuple[Place, str]] = [(place, "is said twice") for place in document.twice]
    port: Port | None = None
    try:
        port = Port.model_validate(document.said)
    except ValidationError as error:
        found += [(one["loc"], _in_words(one)) for one in error.errors(include_url=False) if _is_own(one)]
    found += cross_faults(document.said)
    if port is not None and not found:
        found += agreed_faults(port)
    if found or port is None:
        placed = sorted({(document.line(place), written(place) or "the file", said) for place, said in found})
        raise FaultsError(str(path), [f"line {line}, {where}: {said}" for line, where, said in placed])
    return port


def read_ports(paths: Sequence[Path]) -> list[Port]:
    """Several files, checked alone and beside each other: a site, a source and a principal belong to one file."""
    ports, wrong = [], []
    for path in paths:
        try:
            ports.append(read_port(path))
        except FaultsError as error:
            wrong.append(str(error))
    owners: dict[tuple[str, str], str] = {}
    for path, port in zip(paths, ports, strict=False) if not wrong else ():
        for what, name in port.claims():
            if owners.setdefault((what, name), str(path)) != str(path):
                wrong.append(f"{path}: {what} {name} is in {owners[what, name]} too")
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return ports
