"""Two versions of this program on one machine: the one that runs this, and one made of an older commit.

The older one is built as a wheel and installed into a folder of its own; it shares the installed dependencies.
"""

import io
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from schemas.errors import ConfigurationError

ROOT: Final = Path(__file__).parents[4]
# The version before, until there is a tag to name: the last commit before schema changes 0031 and later.
BEFORE: Final = "834d7adeff64f793ff7ea75690bd5aa9faf9b050"
_NEEDED: Final = ("schemas", "streams", "connectors", "deploy", "pyproject.toml", "README.md", "LICENSE")


@dataclass(frozen=True, slots=True)
class Version:
    """`label` as its workers tell it; `folder` holds its packages, None where it is the one that runs this."""

    label: str
    folder: Path | None = None

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """In which `python -m streams.cli` is this version, wherever it is started."""
        if self.folder is None:
            return dict(given)
        # Safe: not the folder it is started in, which may hold another version.
        return {**given, "PYTHONPATH": str(self.folder), "PYTHONSAFEPATH": "1"}


def current() -> Version:
    """The version that runs this."""
    return Version(version("quaystream"))


def has(revision: str) -> bool:
    """Whether the history that is here goes back to a revision; a shallow clone's does not."""
    command = ["git", "-C", str(ROOT), "cat-file", "-e", f"{revision}^{{commit}}"]
    return bool(shutil.which("git")) and subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603


def install(revision: str, into: Path) -> Version:
    """The version of a revision, built from history; raises ConfigurationError where there is none of it."""
    if not has(revision):
        raise ConfigurationError(f"the history here has no {revision[:9]}: fetch it, or name another with --before")
    archive = _run(["git", "-C", str(ROOT), "archive", "--format=tar", revision, *_NEEDED])
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(into / "tree", filter="data")
    return _built(into, revision[:9])


def install_same(into: Path) -> Version:
    """This very code under another label: what is left of the drill where there is no history."""
    for name in _NEEDED:
        source, target = ROOT / name, into / "tree" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return _built(into, "same")


def _built(into: Path, suffix: str) -> Version:
    """Build and install; the label's suffix is what tells its workers from others in /metrics."""
    project = into / "tree" / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    found = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
    assert found is not None  # noqa: S101  (a project has a version)
    label = f"{found[1]}+{suffix}"
    project.write_text(text.replace(found[0], f'version = "{label}"'), encoding="utf-8")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(into / "packages")]
    _run([sys.executable, "-m", "pip", "install", *options, str(into / "tree")])
    return Version(label, into / "packages")


def _run(command: list[str]) -> bytes:
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigurationError(f"{command[0]} failed ({done.returncode}): {said[-1] if said else 'it said nothing'}")
    return done.stdout
