"""`stack.json`: a stack's ports and security, and the settings that follow from them for every other command."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from deploy.local.home import Home
from deploy.local.roles import DATABASE, ROLES, role_name
from deploy.local.security import OPEN, OPERATOR, Accounts, Security, tls_query
from schemas.errors import ConfigurationError

# The setting of each role's URL and the stem of its password file's setting.
URLS = {"owner": "owner_url", "worker": "database_url", "reader": "reader_url"}


def recall(home: Home) -> dict[str, int]:
    """Ports of the last start; empty when there was none."""
    return _remembered(home)[0]


def recall_security(home: Home) -> Security:
    """How the stack was last started; in the clear when there was no start."""
    return _remembered(home)[1]


def _remembered(home: Home) -> tuple[dict[str, int], Security]:
    try:
        document = json.loads(home.stack_file().read_text())
        ports = {str(name): int(port) for name, port in document["ports"].items()}
        return ports, Security(**document.get("security", {"is_on": False}))
    except FileNotFoundError:
        return {}, OPEN
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        message = f"{home.stack_file()} is damaged: `quaystream down`, remove it, then `quaystream up`"
        raise ConfigurationError(message) from error


def remember(home: Home, ports: Mapping[str, int], security: Security) -> None:
    """Write the file whole, so that a reader never sees half of it; and, where it is secured, the environments."""
    document = {"ports": dict(ports), "security": asdict(security), "settings": settings(home, ports, security)}
    if security.is_on:
        Accounts(home).write_environments(ports, {role: _database(home, ports, role, security) for role in ROLES})
    else:
        Accounts(home).remove_environments()
    partial = home.stack_file().with_suffix(".partial")
    partial.write_text(json.dumps(document, indent=2) + "\n")
    partial.rename(home.stack_file())


def settings(home: Home, ports: Mapping[str, int], security: Security) -> dict[str, str]:
    """Settings by name, as `streams.settings` reads them; passwords stay in their files. A secured stack's operator's."""
    found = {"brokers": f"127.0.0.1:{ports['kafka']}"}
    if security.is_on:
        Accounts(home).create()
        found |= Accounts(home).access(OPERATOR, ports)
        found["gateway_keys_file"] = str(Accounts(home).gateway_keys)
    for role in ROLES:
        found |= _database(home, ports, role, security)
    return found


def _database(home: Home, ports: Mapping[str, int], role: str, security: Security) -> dict[str, str]:
    query = tls_query(home) if security.is_on else ""
    return {
        URLS[role]: f"postgresql://{role_name(role)}@127.0.0.1:{ports['timescaledb']}/{DATABASE}{query}",
        URLS[role].replace("_url", "_password_file"): str(home.secret_file(role)),
    }
