"""What every service of a compose file must be: checked by `make check`, and by hand with `python -m deploy.compose.policy FILE`."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Service = Mapping[str, Any]
Policy = Callable[[Service], bool]

PINNED = re.compile(r"^\S+[:@](?!latest$)[\w.:-]*\d[\w.-]*$")
SECRET = re.compile(r"(PASSWORD|SECRET|TOKEN)(?!.*_?FILE$)", re.IGNORECASE)


def _image(service: Service) -> str:
    # ${NAME:-default}: the default is ours, what a site sets is its own affair.
    return re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", str(service.get("image", "")))


def _loopback(service: Service) -> bool:
    return all(str(port).startswith("127.0.0.1:") for port in service.get("ports", ()))


def _limits(service: Service) -> Mapping[str, Any]:
    return dict(service.get("deploy", {}).get("resources", {}).get("limits", {}))


def _names_no_secret(service: Service) -> bool:
    return not any(SECRET.search(name) for name in service.get("environment", {}))


def _is_unprivileged(service: Service) -> bool:
    user = str(service.get("user", "0")).partition(":")[0]
    return user.isdecimal() and user != "0" and not service.get("privileged")


def _stays_outside(service: Service) -> bool:
    shares = (service.get(name) == "host" for name in ("network_mode", "pid", "ipc", "userns_mode"))
    sockets = ("docker.sock" in str(volume) for volume in service.get("volumes", ()))
    return not any(shares) and not any(sockets)


def _is_watched(service: Service) -> bool:
    """What goes on for ever must say that it is well; what ends says so by its exit code."""
    ends = service.get("restart") == "no" or "profiles" in service
    return ends or "healthcheck" in service


POLICIES: Mapping[str, Policy] = {
    "the image has a version, and not latest": lambda service: bool(PINNED.match(_image(service))),
    "runs as a numbered user that is not root": _is_unprivileged,
    "the root file system is read-only": lambda service: service.get("read_only") is True,
    "every capability is dropped": lambda service: service.get("cap_drop") == ["ALL"] and not service.get("cap_add"),
    "gains no privileges": lambda service: "no-new-privileges:true" in service.get("security_opt", ()),
    "ports are published on loopback alone": _loopback,
    "processor, memory and processes are limited": lambda service: {"cpus", "memory", "pids"} <= set(_limits(service)),
    "secrets are files": _names_no_secret,
    "shares nothing of the host": _stays_outside,
    "has a health check": _is_watched,
}


def violations(document: Mapping[str, Any]) -> Iterator[str]:
    """`service: policy` for every service and policy that do not go together."""
    for name, service in document.get("services", {}).items():
        yield from (f"{name}: not so: {policy}" for policy, holds in POLICIES.items() if not holds(service))


def main(files: list[str]) -> int:
    """Exit 0 when every file keeps every policy, 1 with one line each else."""
    found = [line for file in files for line in violations(yaml.safe_load(Path(file).read_text()))]
    print("\n".join(found) or "every policy is kept")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
