"""A source behind a real MQTT broker, with a real spool behind its door and no Kafka."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from connectors.edge.source_settings import SourceSettings
from connectors.mqtt.settings import MqttSettings
from schemas.metrics import MQTT_CONNECTED, MQTT_PASSED_BY, MQTT_TROUBLES, Metric
from tests.support.doors import Opened, a_door
from tests.support.mosquitto import Mosquitto

WITHIN_S = 20.0


def settings_of(broker: Mosquitto, **words: Any) -> MqttSettings:
    """A source of kind `mqtt` on the plain listener."""
    own = {"kind": "mqtt", "name": "test", "host": "127.0.0.1", "port": broker.plain, "client_id": "gw-01"}
    return MqttSettings.model_validate({**own, "topics": [{"topic": "cranes/{crane}"}], **words})


@asynccontextmanager
async def listening(folder: Path, settings: SourceSettings, wait: bool = True) -> AsyncIterator[Opened]:
    """While the source runs; by default from when it is subscribed."""
    async with a_door(folder, refused_to=settings.refused_to) as opened:
        task = asyncio.ensure_future(settings.source().run(opened.door))
        try:
            if wait:
                await until(lambda: is_connected(opened) or task.done(), "the source is subscribed")
            yield opened
        finally:
            task.cancel()
            ended = (await asyncio.gather(task, return_exceptions=True))[0]
            assert isinstance(ended, asyncio.CancelledError), ended


async def until(condition: Callable[[], Any], what: str) -> None:
    """Wait for a condition, with a deadline."""
    deadline = asyncio.get_running_loop().time() + WITHIN_S
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not within {WITHIN_S} s: {what}"
        await asyncio.sleep(0.02)


def is_connected(opened: Opened) -> bool:
    return opened.registry.gauge(MQTT_CONNECTED, "test")._value.get() == 1


def counted(opened: Opened, metric: Metric, *labels: str) -> float:
    return opened.registry.counter(metric, "test", *labels)._value.get()


def passed_by(opened: Opened, why: str) -> float:
    return counted(opened, MQTT_PASSED_BY, why)


def troubles(opened: Opened, trouble: str) -> float:
    return counted(opened, MQTT_TROUBLES, trouble)
