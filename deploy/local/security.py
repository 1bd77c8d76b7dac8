"""A secured stack's accounts: names, passwords and signing keys as files, and the settings of whoever uses them.

One environment file for each principal, to be sourced: `env/worker.env` in the home.
"""

import base64
import json
import secrets
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from deploy.local.home import Home, write_private
from deploy.local.keyring import Keyring
from deploy.principals import EVERYBODY, FILE, Principal, load_principals
from schemas.reference import declared_sources

OPERATOR = "operator"
# Whose database role each principal works with.
ROLES: Mapping[str, tuple[str, ...]] = {
    "worker": ("worker",),
    "operator": ("owner", "worker", "reader"),
    "viewer": ("reader",),
}


@dataclass(frozen=True)
class Security:
    """Whether a stack is secured. `reauthenticate_s`: after so long a client must show its password again."""

    is_on: bool
    reauthenticate_s: int = 3_600


OPEN = Security(is_on=False)


@dataclass(frozen=True)
class Accounts:
    """The principals of one home and their files."""

    home: Home

    @property
    def file(self) -> Path:
        """Who there is and what he may do: ours when the stack was first secured, then the user's."""
        return self.home.path / "principals.yaml"

    @property
    def more(self) -> Path:
        """One file of principals for each site that was onboarded."""
        return self.home.path / "principals.d"

    def principals(self) -> Mapping[str, Principal]:
        found = dict(load_principals(self.file))
        for file in sorted(self.more.glob("*.yaml")):
            found |= load_principals(file)
        return found

    def create(self) -> None:
        """Every file that is missing; the workers' file of keys anew, from the principals there are."""
        if not self.file.exists():
            shutil.copy(FILE, self.file)
        principals = self.principals().values()
        Keyring(self.home).create(*(one.name for one in principals if "certificate" in one.proofs))
        for one in principals:
            self.password(one.name)
            write_private(self.name_file(one.name), one.name)
            if one.speaks_for is not None:
                self._signing_key(one.name)
        write_private(self.gateway_keys, self._gateway_keys())

    def password(self, name: str) -> str:
        return self.home.secret(f"kafka-{name}")

    def password_file(self, name: str) -> Path:
        return self.home.secret_file(f"kafka-{name}")

    def name_file(self, name: str) -> Path:
        return self.home.secret_file(f"kafka-{name}.name")

    def signing_key_file(self, name: str) -> Path:
        return self.home.secret_file(f"signing-{name}")

    @property
    def gateway_keys(self) -> Path:
        """What the workers know signatures by."""
        return self.home.secret_file("gateways.toml")

    def access(self, name: str, ports: Mapping[str, int]) -> dict[str, str]:
        """How a principal reaches the brokers by its usual proof: settings by name, as `streams.settings` reads them."""
        principal = self.principals()[name]
        found = {"ca_file": str(Keyring(self.home).bundle)}
        if principal.proofs[0] == "certificate":
            own = Keyring(self.home).signed(name)
            found |= {"brokers": f"127.0.0.1:{ports['mtls']}", "kafka_security": "mtls"}
            found |= {"cert_file": str(own.cert), "key_file": str(own.key)}
        else:
            found |= {"brokers": f"127.0.0.1:{ports['kafka']}", "kafka_security": "scram"}
            found |= {"username_file": str(self.name_file(name)), "password_file": str(self.password_file(name))}
        if principal.speaks_for is not None:
            found["signing_key_file"] = str(self.signing_key_file(name))
        return found

    def environment_file(self, name: str) -> Path:
        return self.home.path / "env" / f"{name}.env"

    def write_environments(self, ports: Mapping[str, int], database: Mapping[str, Mapping[str, str]]) -> None:
        """One file a principal, without any secret; `database` has the settings of each role of the database."""
        self.remove_environments()
        (self.home.path / "env").mkdir()
        for name in self.principals():
            settings = {"home": str(self.home.path), **self.access(name, ports)}
            for role in ROLES.get(name, ()):
                settings |= database[role]
            if name == "worker":
                settings["gateway_keys_file"] = str(self.gateway_keys)
            lines = [f"export QUAYSTREAM_{key.upper()}={shlex.quote(value)}\n" for key, value in settings.items()]
            self.environment_file(name).write_text("".join(lines))

    def remove_environments(self) -> None:
        shutil.rmtree(self.home.path / "env", ignore_errors=True)

    def _signing_key(self, name: str) -> str:
        file = self.signing_key_file(name)
        if not file.exists():
            write_private(file, base64.b64encode(secrets.token_bytes(32)).decode())
        return file.read_text().strip()

    def _gateway_keys(self) -> str:
        """A source's own gateway speaks for it, and who speaks for everybody."""
        speakers = [one for one in self.principals().values() if one.speaks_for is not None]
        everybody = [one.name for one in speakers if one.speaks_for == EVERYBODY]
        own = {str(one.speaks_for): one.name for one in speakers if one.speaks_for != EVERYBODY}
        tables = []
        for source in sorted({*declared_sources(), *own}):
            keys = [self._signing_key(name) for name in (*([own[source]] if source in own else []), *everybody)]
            tables.append(f"[{json.dumps(source)}]\nkeys = {json.dumps(keys)}\n")
        return "\n".join(tables)


def environment_of(home: Path, principal: str) -> dict[str, str]:
    """What the environment file of a principal sets; nothing where the stack is not secured."""
    file = Accounts(Home(home)).environment_file(principal)
    words = (shlex.split(line)[1] for line in file.read_text().splitlines()) if file.exists() else ()
    return dict(word.split("=", 1) for word in words)


def tls_query(home: Home) -> str:
    """What a secured database's URL ends with: TLS, by an authority of ours and the server's own name."""
    return "?" + urlencode({"sslmode": "verify-full", "sslrootcert": str(Keyring(home).bundle)}, safe="/")
