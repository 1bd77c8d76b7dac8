"""What `quaystream status --json` answers: addresses that work as they are, null for what does not run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote

from deploy.local.home import Home
from deploy.local.keyring import Keyring
from deploy.local.roles import DATABASE, role_name
from deploy.local.security import Accounts, Security, tls_query
from deploy.local.workers import running as running_workers


@dataclass(frozen=True)
class StackStatus:
    """Addresses of a stack; database URLs hold their password, percent-encoded.

    Where it is secured, `brokers` asks for a password and `brokers_mtls` for a certificate, `ca_file` is whom to trust,
    and `environments` has the file of each principal's settings, to be sourced.
    """

    running: bool
    brokers: str | None
    database_url: str | None
    worker_url: str | None
    reader_url: str | None
    prometheus: str | None
    alertmanager: str | None
    worker_metrics: list[str] = field(default_factory=list)
    secured: bool = False
    brokers_mtls: str | None = None
    ca_file: str | None = None
    environments: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def observe(home: Home, ports: Mapping[str, int], pids: Mapping[str, int | None], security: Security) -> StackStatus:
    """The status, given each part's port and pid (None when it does not run)."""
    query = tls_query(home) if security.is_on else ""
    here = {name: f"127.0.0.1:{ports[name]}" for name, pid in pids.items() if pid is not None}
    database = here.get("timescaledb")
    return StackStatus(
        running=bool(here),
        brokers=here.get("kafka"),
        database_url=database and database_url(home, "owner", database, query),
        worker_url=database and database_url(home, "worker", database, query),
        reader_url=database and database_url(home, "reader", database, query),
        prometheus=_web(here.get("prometheus")),
        alertmanager=_web(here.get("alertmanager")),
        worker_metrics=list(running_workers(home)),
        **(_secured(home, ports, here) if security.is_on else {}),
    )


def _secured(home: Home, ports: Mapping[str, int], here: Mapping[str, str]) -> dict[str, Any]:
    accounts = Accounts(home)
    return {
        "secured": True,
        "brokers_mtls": f"127.0.0.1:{ports['mtls']}" if "kafka" in here else None,
        "ca_file": str(Keyring(home).bundle),
        "environments": {name: str(accounts.environment_file(name)) for name in accounts.principals()},
    }


def database_url(home: Home, role: str, address: str, query: str = "") -> str:
    password = quote(home.secret(role), safe="")
    return f"postgresql://{role_name(role)}:{password}@{address}/{DATABASE}{query}"


def _web(address: str | None) -> str | None:
    return address and f"http://{address}"
