"""`stack.json`: the ports a stack has, and the settings that follow from them for every other command."""

import json
from collections.abc import Mapping

from deploy.local.home import Home
from deploy.local.roles import DATABASE, ROLES, role_name
from schemas.errors import ConfigurationError

# The setting of each role's URL and the stem of its password file's setting.
URLS = {"owner": "owner_url", "worker": "database_url", "reader": "reader_url"}


def recall(home: Home) -> dict[str, int]:
    """Ports of the last start; empty when there was none."""
    try:
        document = json.loads(home.stack_file().read_text())
        return {str(name): int(port) for name, port in document["ports"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        message = f"{home.stack_file()} is damaged: `quaystream down`, remove it, then `quaystream up`"
        raise ConfigurationError(message) from error


def remember(home: Home, ports: Mapping[str, int]) -> None:
    """Write the file whole, so that a reader never sees half of it."""
    document = {"ports": dict(ports), "settings": settings(home, ports)}
    partial = home.stack_file().with_suffix(".partial")
    partial.write_text(json.dumps(document, indent=2) + "\n")
    partial.rename(home.stack_file())


def settings(home: Home, ports: Mapping[str, int]) -> dict[str, str]:
    """Settings by name, as `streams.settings` reads them; passwords stay in their files."""
    found = {"brokers": f"127.0.0.1:{ports['kafka']}"}
    for role in ROLES:
        address = f"127.0.0.1:{ports['timescaledb']}/{DATABASE}"
        found[URLS[role]] = f"postgresql://{role_name(role)}@{address}"
        found[URLS[role].replace("_url", "_password_file")] = str(home.secret_file(role))
    return found
