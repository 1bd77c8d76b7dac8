"""The secrets of `compose.yaml`, one file each: `python -m deploy.compose.passwords` makes those that are missing."""

import os
import secrets
from pathlib import Path

from schemas.errors import ConfigurationError

FOLDER = Path(__file__).with_name("secrets")
NAMES = ("superuser", "owner", "worker", "reader", "gateway", "grafana")


def create(folder: Path = FOLDER) -> list[Path]:
    """Make what is missing, keep what is there; returns the new files. Raises ConfigurationError where it may not.

    Containers of several users read the files, through mounts: so the folder, and not the files, keeps others out.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        return [file for file in (folder / name for name in NAMES) if _made(file)]
    except OSError as error:
        message = f"cannot write secrets to {folder} ({error.strerror}): make it writable for this user"
        raise ConfigurationError(message) from error


def _made(file: Path) -> bool:
    secret = secrets.token_urlsafe(24)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as handle:
        handle.write(secret + "\n")
    return True


if __name__ == "__main__":
    for made in create():
        print(made)
