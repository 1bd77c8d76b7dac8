"""One of three brokers: replication 3, at least 2 in sync, no unclean leader; a listener for each kind of client."""

import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from deploy.local.kafka import METADATA_REQUEST, Kafka

# Who connects to a broker: the harness itself, gateways, workers, and the other brokers.
LISTENERS = ("ADMIN", "EDGE", "WORK", "INNER")
_NUMBER, _LENGTH = struct.Struct("!i"), struct.Struct("!h")


@dataclass(frozen=True, kw_only=True)
class Member(Kafka):
    """Broker `node`. `port` is that of ADMIN; `bound` and `told` are the ports it listens on and tells clients, by listener."""

    node: int
    cluster: str
    controllers: tuple[int, ...]
    bound: Mapping[str, int]
    told: Mapping[str, int]
    deadline_s: float = 90.0

    def templates(self) -> Sequence[str]:
        return ["cluster.properties"]

    def values(self) -> Mapping[str, object]:
        listeners = [*_addresses(self.bound), f"CONTROLLER://127.0.0.1:{self.controller_port}"]
        return {
            "node": self.node,
            "voters": ",".join(f"{n}@127.0.0.1:{port}" for n, port in enumerate(self.controllers, start=1)),
            "listeners": ",".join(listeners),
            "advertised": ",".join(_addresses(self.told)),
            "protocols": ",".join(f"{name}:PLAINTEXT" for name in (*LISTENERS, "CONTROLLER")),
            "data": self._data(),
        }

    def cluster_id(self) -> str:
        return self.cluster

    def environment(self) -> Mapping[str, str]:
        return os.environ

    def is_ready(self) -> bool:
        """Whether it takes part: the brokers it tells of are those that are not fenced."""
        return self.node in listed(self.port)


def _addresses(ports: Mapping[str, int]) -> Iterator[str]:
    return (f"{name}://127.0.0.1:{ports[name]}" for name in LISTENERS)


def listed(port: int) -> set[int]:
    """The ids of the brokers that the one behind `port` knows of; none while it does not answer."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.settimeout(2)
            connection.sendall(METADATA_REQUEST)
            size = _NUMBER.unpack(connection.recv(_NUMBER.size, socket.MSG_WAITALL))[0]
            return set(_ids(connection.recv(size, socket.MSG_WAITALL)))
    except (OSError, struct.error):
        return set()


def _ids(answer: bytes) -> Iterator[int]:
    """Of a Metadata answer, version 1, from its correlation id on: each broker is an id, a host, a port and perhaps a rack."""
    count, at = _NUMBER.unpack_from(answer, 4)[0], 8
    for _ in range(count):
        yield _NUMBER.unpack_from(answer, at)[0]
        at += 4
        at += 2 + _LENGTH.unpack_from(answer, at)[0] + 4
        at += 2 + max(0, _LENGTH.unpack_from(answer, at)[0])
