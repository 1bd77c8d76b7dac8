"""The same stack from containers, for those who have an engine: `deploy/compose` through docker."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.compose.passwords import create
from deploy.local.packages import run
from schemas.errors import ConfigurationError

FILE = Path(__file__).parents[1] / "compose" / "compose.yaml"


def up(services: Sequence[str]) -> None:
    """Make the secrets, start the services (all when none is named) and wait until they are healthy."""
    command = _compose()
    create()
    run([*command, "up", "--detach", "--wait", *services], "start the containers")


def down() -> None:
    """Stop the containers; their volumes stay."""
    run([*_compose(), "down"], "stop the containers")


def _compose() -> list[str]:
    if not FILE.exists():
        message = f"--engine docker needs {FILE}, which is not there: use --engine native"
        raise ConfigurationError(message)
    engine = ["docker", "info"]
    if not shutil.which("docker") or subprocess.run(engine, capture_output=True, check=False).returncode:
        message = "no container engine answers (`docker info`): start docker, or use --engine native"
        raise ConfigurationError(message)
    return ["docker", "compose", "-f", str(FILE)]
