"""Which loopback port each part listens on: the asked one, else the one it had, else the next free."""

import socket
from collections.abc import Collection, Mapping

from schemas.errors import ConfigurationError

DEFAULTS: Mapping[str, int] = {
    "kafka": 9092,
    "controller": 19092,
    "timescaledb": 5433,
    "prometheus": 9090,
    "alertmanager": 9093,
}
# The broker's second listener, where the stack is secured.
MTLS_PORT = 9095
SECURED: Mapping[str, int] = {**DEFAULTS, "mtls": MTLS_PORT}
SEARCH = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # Servers set this too; without it a port in TIME_WAIT would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def settle(
    asked: Mapping[str, int],
    before: Mapping[str, int],
    running: Collection[str],
    defaults: Mapping[str, int] = DEFAULTS,
) -> dict[str, int]:
    """A port per part. `before` holds those of the last start; parts in `running` keep theirs."""
    unknown = sorted(set(asked) - set(defaults))
    if unknown:
        message = f"no such part to give a port: {unknown[0]}; choose from {', '.join(defaults)}"
        raise ConfigurationError(message)
    ports = {name: before[name] for name in running if name in before}
    for name, default in defaults.items():
        if name in ports:
            _refuse_move(name, asked.get(name), ports[name])
        elif name in asked:
            ports[name] = _exactly(name, asked[name], ports.values())
        else:
            ports[name] = _next_free(before.get(name, default), ports.values())
    return ports


def _refuse_move(name: str, asked: int | None, current: int) -> None:
    if asked not in (None, current):
        message = f"{name} already runs on port {current}: `quaystream down` first to move it to {asked}"
        raise ConfigurationError(message)


def _exactly(name: str, port: int, taken: Collection[int]) -> int:
    if port in taken or not is_free(port):
        message = f"port {port} asked for {name} is taken: stop what listens there or ask for another port"
        raise ConfigurationError(message)
    return port


def _next_free(first: int, taken: Collection[int]) -> int:
    for port in range(first, first + SEARCH):
        if port not in taken and is_free(port):
            return port
    message = f"no free port in {first}-{first + SEARCH - 1} on 127.0.0.1: stop some of what listens there"
    raise ConfigurationError(message)
