"""Where `make peers` puts what is no dependency of ours, and whether it is there."""

from pathlib import Path

from deploy.local.home import downloads

TELEGRAF_VERSION = "1.37.2"
MISSING = "not there: `make peers` installs it"


def telegraf() -> Path:
    """The binary."""
    return downloads() / "peers" / "telegraf"


def quix_python() -> Path:
    """The interpreter of the environment that Quix Streams has for itself."""
    return downloads() / "peers" / "quix" / "bin" / "python"


def absence_of(file: Path) -> str | None:
    """None when `file` is there, otherwise a line for people."""
    return None if file.exists() else MISSING
