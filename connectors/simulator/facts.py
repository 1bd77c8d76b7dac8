"""What happened in the simulated port, before anybody sends it."""

from typing import Any, NamedTuple

from connectors.simulator.gateways import Gateway


class Fact(NamedTuple):
    """One event: when, who reports it, its CloudEvents type and subject, its data."""

    time_ms: int
    gateway: Gateway
    type: str
    subject: str
    data: dict[str, Any]
