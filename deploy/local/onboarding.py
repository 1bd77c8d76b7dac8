"""Where the secrets of onboarded gateways lie, and what a secured local stack must remember of them.

Secrets are files in the home's folder `secrets`, readable by this user alone. On a secured local stack each site has a file
of principals beside the stack's own, so that the next `quaystream up` lets them in as well.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml
from confluent_kafka.admin import AdminClient

from deploy.local import rights
from deploy.local.home import Home, locked, write_private
from deploy.local.memory import recall, recall_security, remember
from deploy.local.security import Accounts
from schemas.onboard import Port


@dataclass(frozen=True)
class GatewayHome:
    """The folder of one installation; `is_ours`: its brokers are those of the secured local stack in it."""

    home: Home
    is_ours: bool

    @classmethod
    def of(cls, folder: Path, brokers: str) -> "GatewayHome":
        home = Home(folder)
        ports = recall(home)
        ours = {f"127.0.0.1:{ports[name]}" for name in ("kafka", "mtls") if name in ports}
        return cls(home, recall_security(home).is_on and brokers in ours)

    def superuser(self) -> AdminClient | None:
        """Who may give rights on our own stack; elsewhere that is whoever the settings name."""
        return rights.superuser(self.home, recall(self.home)["mtls"]) if self.is_ours else None

    def declare(self, port: Port, *, prune: bool) -> None:
        """Keep the site's principals for the next `up`, and make their files."""
        if not self.is_ours:
            return
        folder = Accounts(self.home).more
        folder.mkdir(exist_ok=True)
        file = folder / f"{port.site_id}.yaml"
        before = {} if prune or not file.exists() else yaml.safe_load(file.read_text()) or {}
        file.write_text(yaml.safe_dump({**before, **_declared(port)}, sort_keys=True))

    def remember(self) -> None:
        """Passwords, signing keys and certificates that are missing, the workers' file of keys, one environment each."""
        if self.is_ours:
            with locked(self.home.lock()):
                remember(self.home, recall(self.home), recall_security(self.home))

    def password(self, name: str) -> str:
        """Made when first asked for."""
        Accounts(self.home).name_file(name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(Accounts(self.home).name_file(name), name)
        return Accounts(self.home).password(name)

    def access(self, name: str) -> dict[str, str]:
        """How a gateway proves itself: settings by name. On our own stack with the address to go to."""
        if self.is_ours:
            return Accounts(self.home).access(name, recall(self.home))
        accounts = Accounts(self.home)
        return {"username_file": str(accounts.name_file(name)), "password_file": str(accounts.password_file(name))}


def _declared(port: Port) -> dict[str, object]:
    return {
        gateway.name: {
            "proofs": [gateway.proof],
            "speaks_for": gateway.source,
            "may": [{"topics": list(gateway.topics), "do": ["Write", "Describe"]}],
        }
        for gateway in port.gateways
    }
