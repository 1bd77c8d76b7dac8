"""The stack as a whole: starts parts side by side, remembers their ports, stops what it started."""

import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local import rights, workers
from deploy.local.home import Home, downloads, locked
from deploy.local.kafka import Kafka
from deploy.local.keyring import Keyring
from deploy.local.launch import POLL_S, Launcher
from deploy.local.memory import recall, recall_security, remember
from deploy.local.monitoring import Alertmanager, Prometheus
from deploy.local.part import Part, Step, Stop, quiet
from deploy.local.ports import DEFAULTS, SECURED, settle
from deploy.local.roles import DATABASE, ROLES, role_name
from deploy.local.security import Accounts, Security
from deploy.local.status import StackStatus, observe
from deploy.local.timescaledb import TimescaleDB
from schemas.errors import ConfigurationError, ServiceUnreachableError

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

# In the order they are stopped; they start side by side.
PARTS = ("alertmanager", "prometheus", "kafka", "timescaledb")


@dataclass(frozen=True)
class Stack:
    """One local stack. `ports` are explicit wishes; others are found and remembered in the home.

    `security` None: as at the last start, in the clear at the first.
    """

    home: Path
    ports: Mapping[str, int] = field(default_factory=dict)
    security: Security | None = None

    def up(self, parts: Iterable[str] = PARTS, step: Step = quiet) -> list[str]:
        """Start what does not run yet and wait until all answer; returns the parts it started."""
        wanted = [name for name in PARTS if name in checked(parts)]
        self._home().create()
        with locked(self._home().lock()):
            self._refuse_change()
            workers.prune(self._home().workers())
            workers.prune(self._home().boards())
            missing = [name for name in wanted if not self._launcher().answers(self._part(name))]
            self._start_together(missing, step)
            for name in wanted:
                self._part(name).prepare()
        return missing

    def down(self, step: Step = quiet) -> list[str]:
        """Stop what runs, in order; returns the parts it stopped."""
        if not self._home().lock().exists():
            return []
        with locked(self._home().lock()):
            running = [name for name in PARTS if self.pid(name) is not None]
            for name in running:
                with step(f"Stop {name}"):
                    self.stop(name)
        return running

    def start(self, name: str) -> int:
        """Start one part again with the ports it had, wait until it answers; returns its pid."""
        self.up([name])
        pid = self.pid(name)
        if pid is None:
            message = f"{name} ended right after it came up: see {self._home().log(name)}"
            raise ServiceUnreachableError(message)
        return pid

    def stop(self, name: str, how: Stop = Stop.FAST) -> None:
        """Stop one part and wait until it is gone; nothing happens when it does not run."""
        checked([name])
        self._launcher().stop(self._part(name), how)

    def pid(self, name: str) -> int | None:
        """The part's process, None when it does not run."""
        return self._launcher().pid(name)

    def status(self) -> StackStatus:
        """Addresses of what runs now."""
        pids = {name: self.pid(name) for name in PARTS}
        return observe(self._home(), recall(self._home()), pids, recall_security(self._home()))

    def superuser_url(self, database: str = DATABASE) -> str:
        """For tests that terminate sessions or look behind permissions; nothing else uses it."""
        return self._database().superuser_url(database)

    def renew(self, step: str) -> None:
        """One step of `Keyring`: `trust`, `issue` or `forget`; what runs takes it up without a restart."""
        keyring = Keyring(self._home())
        with locked(self._home().lock()):
            {"trust": keyring.trust, "issue": keyring.issue, "forget": keyring.forget}[step]()
            self.reload_certificates()

    def reload_certificates(self) -> None:
        """What runs reads its certificates again."""
        if self.pid("kafka") is not None:
            rights.reload_certificates(self._superuser())
            self._await_certificate(("kafka", "mtls"), Keyring(self._home()).signed("broker").cert)
        if self.pid("timescaledb") is not None:
            self._database().reload_certificate()

    def change_password(self, name: str) -> None:
        """Of a principal at Kafka or a role of the database: a new one in its file, and at the server that runs."""
        roles = {role_name(role): role for role in ROLES}
        accounts = Accounts(self._home())
        if name not in roles and name not in accounts.principals():
            known = ", ".join([*accounts.principals(), *roles])
            raise ConfigurationError(f"nobody is called {name}: choose from {known}")
        with locked(self._home().lock()):
            self._home().new_secret(roles.get(name, accounts.password_file(name).name))
            part = self._part("timescaledb" if name in roles else "kafka")
            if self.pid(part.name) is not None:
                part.prepare()

    def _await_certificate(self, names: Iterable[str], cert: Path) -> None:
        """The broker answers a reload before it is done, and says nothing of one that it cannot do."""
        wanted = ssl.PEM_cert_to_DER_cert(cert.read_text())
        deadline = time.monotonic() + 60
        for port in (recall(self._home())[name] for name in names):
            while ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port), timeout=30)) != wanted:
                if time.monotonic() > deadline:
                    why = f"kafka still shows its old certificate on port {port}"
                    raise ServiceUnreachableError(f"{why}: see {self._home().log('kafka')}")
                time.sleep(POLL_S)

    def _superuser(self) -> "AdminClient":
        return rights.superuser(self._home(), recall(self._home())["mtls"])

    def _start_together(self, names: Sequence[str], step: Step) -> None:
        for name in names:
            self._part(name).install(step)
        # Held until all listen, so that two stacks that start at once never pick the same port.
        with locked(downloads() / ".ports.lock"):
            remember(self._home(), self._settle(), self._security())
            for name in names:
                self._launcher().launch(self._part(name))
            for name in names:
                with step(f"Start {name}"):
                    self._launcher().await_answer(self._part(name))

    def _settle(self) -> dict[str, int]:
        running = [name for name in PARTS if self.pid(name) is not None]
        owners = [*running, "controller", "mtls"] if "kafka" in running else running
        defaults = SECURED if self._security().is_on else DEFAULTS
        return settle(self.ports, recall(self._home()), owners, defaults)

    def _security(self) -> Security:
        return self.security or recall_security(self._home())

    def _refuse_change(self) -> None:
        """What runs cannot be secured, nor opened; `prepare` must never be asked to."""
        before = recall_security(self._home())
        running = [name for name in ("kafka", "timescaledb") if self.pid(name) is not None]
        if running and self._security().is_on != before.is_on:
            how = "secured" if before.is_on else "in the clear"
            raise ConfigurationError(f"{running[0]} runs {how}: `quaystream down` first to change that")

    def _part(self, name: str) -> Part:
        ports = {**SECURED, **recall(self._home())}
        made: dict[str, Part] = {
            "kafka": Kafka(self._home(), ports["kafka"], ports["controller"], ports["mtls"], self._security()),
            "timescaledb": self._database(),
            "prometheus": Prometheus(self._home(), ports["prometheus"], ports["alertmanager"]),
            "alertmanager": Alertmanager(self._home(), ports["alertmanager"]),
        }
        return made[name]

    def _database(self) -> TimescaleDB:
        ports = {**DEFAULTS, **recall(self._home())}
        return TimescaleDB(self._home(), ports["timescaledb"], self._security())

    def _home(self) -> Home:
        return Home(self.home.absolute())

    def _launcher(self) -> Launcher:
        return Launcher(self._home())


def checked(parts: Iterable[str]) -> set[str]:
    """The names as a set; raises ConfigurationError for one that is no part."""
    names = set(parts)
    unknown = sorted(names - set(PARTS))
    if unknown:
        message = f"no such part: {', '.join(unknown)}; choose from {', '.join(PARTS)}"
        raise ConfigurationError(message)
    return names
