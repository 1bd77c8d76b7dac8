"""What happened in the simulated port, before anybody sends it."""

from typing import Any, NamedTuple

from connectors.simulator.gateways import Gateway


class Fact(NamedTuple):
    """One event: when, who reports it, its CloudEvents type and subject, its data.

    In a scenario, an `expendable` one may be lost or spoiled: nothing that must be found rests on it.
    """

    time_ms: int
    gateway: Gateway
    type: str
    subject: str
    data: dict[str, Any]
    expendable: bool = False
