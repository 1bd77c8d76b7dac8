"""Alertmanager's configuration: our routes and inhibitions, joined with the receivers of a deployment."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from schemas.errors import ConfigurationError

ROUTES = Path(__file__).with_name("alertmanager.yaml")
RULES = Path(__file__).with_name("rules")


def compose(receivers: Path | None = None, timing: Mapping[str, str] | None = None) -> str:
    """The configuration as YAML.

    `receivers` is a YAML file with a list `receivers` that names all of ours (and may name more); without one
    nobody is called. `timing` replaces options of the top route. Raises ConfigurationError for a receiver that
    is missing.
    """
    config = yaml.safe_load(ROUTES.read_text())
    if receivers is not None:
        config["receivers"] = _read(receivers, {receiver["name"] for receiver in config["receivers"]})
    config["route"].update(timing or {})
    return yaml.safe_dump(config, sort_keys=False)


def _read(file: Path, wanted: set[str]) -> list[Any]:
    try:
        document = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"cannot read receivers from {file}: {' '.join(str(error).split())}") from error
    found = document.get("receivers") if isinstance(document, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ConfigurationError(f"{file} has no list `receivers`: see deploy/monitoring/receivers.example.yaml")
    missing = sorted(wanted - {one.get("name") for one in found})
    if missing:
        raise ConfigurationError(f"{file} names no receiver {', '.join(missing)}: add it, the routes need it")
    return found


def main(arguments: list[str]) -> None:
    """Print the configuration, with the receivers of the file that is named."""
    try:
        print(compose(Path(arguments[0]) if arguments else None), end="")
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main(sys.argv[1:])
