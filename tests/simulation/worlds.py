"""The worlds as they are, without mistakes."""

from tests.simulation.clock import SimulatedLoop
from tests.simulation.gateway import Gateway
from tests.simulation.port import Parts, Port
from tests.simulation.shore import Shore


def port(loop: SimulatedLoop) -> Port:
    """The whole path."""
    return Port(loop, Parts())


def shore(loop: SimulatedLoop) -> Shore:
    """Up to the broker."""
    return Shore(loop, Gateway)
