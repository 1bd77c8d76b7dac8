"""Scenarios: short plays with known answers, one YAML file each. What each says is in docs/how-to/simulate.md.

This file only finds and reads them; stage.py plays one.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from schemas.errors import ConfigurationError

_FOLDER: Final = Path(__file__).parent
NAMES: Final = tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))

BESIDE: Final = "CELL01"
"""The cell that is no part of any scenario: it stands beside when there are faults."""


def read_scenario(name: str) -> dict[str, Any]:
    """The content of a scenario's file. Raises ConfigurationError where there is none of that name."""
    if name not in NAMES:
        raise ConfigurationError(f"unknown scenario {name}: choose from {', '.join(NAMES)}")
    content: dict[str, Any] = yaml.safe_load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return content


def duration_of(name: str) -> timedelta:
    """How long a whole scenario takes."""
    return timedelta(milliseconds=offset_ms(read_scenario(name)["lasts"]))


def offset_ms(text: str) -> int:
    """`h:mm:ss` after the start, in milliseconds; seconds may have a fraction."""
    hours, minutes, seconds = text.split(":")
    return round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)
