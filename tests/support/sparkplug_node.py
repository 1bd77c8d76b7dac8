"""An edge node that is not ours: pysparkplug, run as a program of its own, told what to do by JSON lines on its input.

It says on its output what it did, and when somebody asked for a rebirth. Run by `sparkplug.py` with the packages of
tests/data/sparkplug/requirements.lock in front: their MQTT client is an older one than ours.
"""

import itertools
import json
import os
import sys
import threading
from typing import Any

from pysparkplug import (
    DataType,
    DBirth,
    DData,
    Device,
    EdgeNode,
    Message,
    MessageType,
    Metric,
    NBirth,
    QoS,
    Topic,
)

GROUP, NODE = "tanvu", "edge01"


def metric(words: dict[str, Any]) -> Metric:
    return Metric(
        timestamp=words["at"],
        name=words.get("name"),
        datatype=DataType[words["type"]],
        value=words.get("value"),
        alias=words.get("alias"),
        is_historical=words.get("historical", False),
        is_null=words.get("value") is None,
    )


def say(**words: Any) -> None:
    print(json.dumps(words), flush=True)


class Program:
    def __init__(self, host: str, port: int) -> None:
        self.where = (host, port)
        self.births: list[tuple[str, list[Metric]]] = []
        self.node: EdgeNode | None = None

    def do(self, words: dict[str, Any]) -> None:
        getattr(self, words.pop("do"))(**words)

    def start(self, devices: dict[str, list[dict[str, Any]]], own: list[dict[str, Any]] = []) -> None:  # noqa: B006
        self.own = [metric(words) for words in own]
        self.devices = {name: [metric(words) for words in metrics] for name, metrics in devices.items()}
        self.node = EdgeNode(GROUP, NODE, self.own, cmd_callback=self.asked)
        for name, metrics in self.devices.items():
            self.node.register(Device(name, metrics))
        host, port = self.where
        self.node.connect(host, port=port)

    def data(self, device: str, metrics: list[dict[str, Any]], types: bool = False) -> None:
        """A DDATA as the library writes it; without `types` as the standard has it, where births gave aliases."""
        self.publish(MessageType.DDATA, device, DData(now(metrics), self.seq(), tuple(map(metric, metrics))), types)

    def skip(self, messages: int) -> None:
        """As if they had been lost on the way."""
        for _ in range(messages):
            self.seq()

    def bury(self, device: str) -> None:
        self.node.deregister(device)

    def rebirth(self) -> None:
        self.node._EdgeNode__seq_cycler = itertools.cycle(range(256))
        own = (*self.own, self.node._bd_seq_metric)
        self.publish(MessageType.NBIRTH, None, NBirth(now(), self.seq(), own), True)
        for name, metrics in self.devices.items():
            self.publish(MessageType.DBIRTH, name, DBirth(now(), self.seq(), tuple(metrics)), True)

    def die(self) -> None:
        """Without a word: the broker has the will."""
        os._exit(1)

    def asked(self, _: EdgeNode, message: Message) -> None:
        say(asked=[(m.name, m.value) for m in message.payload.metrics])

    def seq(self) -> int:
        return self.node._seq

    def publish(self, kind: MessageType, device: str | None, payload: Any, types: bool) -> None:
        topic = Topic(group_id=GROUP, message_type=kind, edge_node_id=NODE, device_id=device)
        self.node._client.publish(Message(topic, payload, QoS.AT_MOST_ONCE, False), include_dtypes=types)


def now(metrics: list[dict[str, Any]] = []) -> int:  # noqa: B006
    return max((words["at"] for words in metrics), default=1_767_225_600_000)


program = Program(sys.argv[1], int(sys.argv[2]))
say(pid=os.getpid(), threads=threading.active_count())
for line in sys.stdin:
    program.do(json.loads(line))
    say(done=line.strip())
os._exit(0)
