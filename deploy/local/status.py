"""What `quaystream status --json` answers: addresses that work as they are, null for what does not run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from urllib.parse import quote

from deploy.local.home import Home
from deploy.local.roles import DATABASE, role_name
from deploy.local.workers import running as running_workers


@dataclass(frozen=True)
class StackStatus:
    """Addresses of a stack; database URLs hold their password, percent-encoded."""

    running: bool
    brokers: str | None
    database_url: str | None
    worker_url: str | None
    reader_url: str | None
    prometheus: str | None
    alertmanager: str | None
    worker_metrics: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def observe(home: Home, ports: Mapping[str, int], pids: Mapping[str, int | None]) -> StackStatus:
    """The status, given each part's port and pid (None when it does not run)."""
    here = {name: f"127.0.0.1:{ports[name]}" for name, pid in pids.items() if pid is not None}
    database = here.get("timescaledb")
    return StackStatus(
        running=bool(here),
        brokers=here.get("kafka"),
        database_url=database and database_url(home, "owner", database),
        worker_url=database and database_url(home, "worker", database),
        reader_url=database and database_url(home, "reader", database),
        prometheus=_web(here.get("prometheus")),
        alertmanager=_web(here.get("alertmanager")),
        worker_metrics=list(running_workers(home)),
    )


def database_url(home: Home, role: str, address: str) -> str:
    password = quote(home.secret(role), safe="")
    return f"postgresql://{role_name(role)}:{password}@{address}/{DATABASE}"


def _web(address: str | None) -> str | None:
    return address and f"http://{address}"
