"""Debian packages the parts need: installed on first use where this user may, else named in one line."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from deploy.local.home import downloads, locked
from deploy.local.part import Step
from schemas.errors import ConfigurationError

# Keeps the packages' own services from starting where the init system honours it; ours use other ports.
QUIET = ("DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")


def need(programs: Mapping[str, str], step: Step) -> None:
    """Make sure each program (key) is there, installing the package (value) of those that are not."""
    missing = [package for program, package in programs.items() if not find(program)]
    if missing:
        # One at a time: a second apt would find its lock taken and give up.
        with step(f"Install {', '.join(missing)}"), locked(downloads() / ".packages.lock"):
            _install(missing)
    for program, package in programs.items():
        if not find(program):
            message = f"`{program}` is still missing after installing {package}: install it by hand"
            raise ConfigurationError(message)


def find(program: str) -> str | None:
    """The program's path; administrators' folders are searched whatever PATH says."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    return shutil.which(program, path=path)


def as_root(command: Sequence[str]) -> list[str]:
    """The command as the administrator runs it: as it is for root, else through sudo without a password."""
    return list(command) if os.geteuid() == 0 else ["sudo", "-n", *command]


def may_be_root() -> bool:
    """Whether `as_root` will work without asking anybody."""
    if os.geteuid() == 0:
        return True
    if not shutil.which("sudo"):
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


def run(command: Sequence[str], purpose: str) -> None:
    """Run to the end; raises ConfigurationError with the last line it said."""
    if not find(command[0]):
        message = f"could not {purpose}: `{command[0]}` is not installed"
        raise ConfigurationError(message)
    result = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if result.returncode:
        said = (result.stderr.strip() or result.stdout.strip() or "no output").splitlines()[-1]
        message = f"could not {purpose} (exit {result.returncode}): {said}"
        raise ConfigurationError(message)


def _install(packages: Sequence[str]) -> None:
    command = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if not shutil.which("apt-get") or not may_be_root():
        message = f"missing packages: run `sudo {command}` once, then try again"
        raise ConfigurationError(message)
    run(as_root(["apt-get", "update", "-q"]), "refresh the package lists")
    run(as_root(["env", *QUIET, *command.split()]), f"install {', '.join(packages)}")
