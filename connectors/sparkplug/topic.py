"""The topics of Sparkplug B: `spBv1.0/<group>/<type>/<node>[/<device>]` (3.0, 4.1)."""

from typing import Final, NamedTuple

from connectors.edge.errors import InvalidEventError

NAMESPACE: Final = "spBv1.0"
OF_NODES: Final = ("NBIRTH", "NDATA", "NDEATH")
OF_DEVICES: Final = ("DBIRTH", "DDATA", "DDEATH")


class Address(NamedTuple):
    """Who says it, and what kind of message it is. `device` is empty for the node itself."""

    group: str
    type: str
    node: str
    device: str = ""

    @property
    def asset(self) -> str:
        """The device, or the node where it speaks for itself."""
        return self.device or self.node


def address_of(topic: str) -> Address:
    """Raises InvalidEventError for what is not ours to read."""
    levels = topic.split("/")
    if levels[0] == NAMESPACE and len(levels) == 4 and levels[2] in OF_NODES:
        return Address(*levels[1:])
    if levels[0] == NAMESPACE and len(levels) == 5 and levels[2] in OF_DEVICES:
        return Address(*levels[1:])
    raise InvalidEventError("not a topic of Sparkplug B that brings data")


def filters(groups: tuple[str, ...]) -> list[str]:
    """What to subscribe to: everything but commands, ours among them."""
    nodes = [f"{NAMESPACE}/{group}/{kind}/+" for group in groups for kind in OF_NODES]
    return nodes + [f"{NAMESPACE}/{group}/{kind}/+/+" for group in groups for kind in OF_DEVICES]


def command(group: str, node: str) -> str:
    """Where a node listens."""
    return f"{NAMESPACE}/{group}/NCMD/{node}"
