"""What every source behind an MQTT broker does: take what came, have it read, keep it, and only then acknowledge it."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from connectors.edge.door import Door
from connectors.edge.errors import InvalidEventError
from connectors.edge.event import Offered
from connectors.edge.spool import Cursor
from connectors.mqtt.access import MqttAccess
from connectors.mqtt.inbox import Connected, Inbox, Item, Message, Subscribed, Troubled
from connectors.mqtt.repeats import Repeats
from connectors.mqtt.session import Session
from connectors.mqtt.troubles import SENTENCES, Trouble
from schemas.metrics import MQTT_CONNECTED, MQTT_PASSED_BY, MQTT_TROUBLES

log = structlog.get_logger()

SAY_AGAIN_S: Final = 60.0


class Reader(Protocol):
    """Makes events of messages. What it remembers from one to the next, it keeps as cursors."""

    def filters(self) -> Sequence[str]:
        """What to subscribe to."""

    async def read(self, message: Message, door: Door) -> list[Offered]:
        """The checked events of a message. Raises InvalidEventError for one that is none at all."""

    def reconnected(self) -> None:
        """There may have been messages that nobody will ever bring."""

    def cursors(self, door: Door) -> list[Cursor]:
        """What has changed since this was last asked, to be kept with the events."""

    def requests(self) -> list[tuple[str, bytes]]:
        """What to publish now that the events are kept."""


class Listener:
    """`run` until cancelled. A full spool leaves messages unacknowledged, so the broker keeps them."""

    def __init__(self, access: MqttAccess, reader: Reader, takes_retained: bool) -> None:
        self._access = access
        self._reader = reader
        self._takes_retained = takes_retained
        self._said: dict[Trouble, float] = {}
        self._trouble: Trouble | None = None

    async def run(self, door: Door) -> None:
        """Raises whatever the client's thread did not foresee."""
        # By the name of the session: under another one nothing has been lost.
        name = f"{door.name}:session:{self._access.client_id}"
        repeats = Repeats(self._access.in_flight, await door.cursor(name))
        inbox = Inbox(asyncio.get_running_loop())
        session = Session(self._access, self._reader.filters(), inbox)
        door.gauge(MQTT_CONNECTED, 0)
        session.start()
        try:
            while True:
                await self._take(await inbox.take(), door, Cursors(name, repeats), session)
        finally:
            await asyncio.to_thread(session.stop)

    async def _take(self, items: Sequence[Item], door: Door, own: "Cursors", session: Session) -> None:
        events: list[Offered] = []
        for item in items:
            events += await self._of(item, door, own.repeats)
        messages = [item for item in items if isinstance(item, Message)]
        cursors = [*own.changed(items), *self._reader.cursors(door)]
        if events or cursors or door.has_letters:
            await door.take_in_time(events, cursors, sum(len(message.payload) for message in messages))
        for message in messages:
            message.acknowledge()
        for topic, payload in self._reader.requests():
            session.publish(topic, payload)

    async def _of(self, item: Item, door: Door, repeats: Repeats) -> list[Offered]:
        if isinstance(item, Message):
            return await self._events(item, door, repeats)
        if isinstance(item, Troubled):
            self._troubled(item, door)
        elif isinstance(item, Connected):
            self._connected(item, door, repeats)
        elif isinstance(item, Subscribed):
            door.gauge(MQTT_CONNECTED, 1)
        else:
            raise item
        return []

    async def _events(self, message: Message, door: Door, repeats: Repeats) -> list[Offered]:
        if repeats.is_one(message):
            door.count(MQTT_PASSED_BY, "repeat")
            return []
        repeats.note(message)
        if message.is_retained and not self._takes_retained:
            door.count(MQTT_PASSED_BY, "retained")
            return []
        try:
            return await self._reader.read(message, door)
        except InvalidEventError as error:
            door.refuse(message.topic, error, message.payload)
            return []

    def _connected(self, item: Connected, door: Door, repeats: Repeats) -> None:
        if not item.resumed:
            if repeats.had_session:
                self._troubled(Troubled("session_lost", f"client_id {self._access.client_id}"), door)
            repeats.forget()
        repeats.had_session = True
        self._reader.reconnected()
        if self._trouble is not None:
            log.warning("mqtt_answers_again", connector=door.name, was=self._trouble)
            self._trouble = None

    def _troubled(self, item: Troubled, door: Door) -> None:
        """A line for each kind of trouble, and again once a minute."""
        door.count(MQTT_TROUBLES, item.trouble)
        now_s = asyncio.get_running_loop().time()
        if item.trouble != "not_allowed":
            door.gauge(MQTT_CONNECTED, 0)
            self._trouble = item.trouble
        if now_s - self._said.get(item.trouble, -SAY_AGAIN_S) >= SAY_AGAIN_S:
            self._said[item.trouble] = now_s
            log.warning(
                "mqtt_trouble",
                connector=door.name,
                trouble=item.trouble,
                meaning=SENTENCES[item.trouble],
                broker=f"{self._access.host}:{self._access.port}",
                detail=item.detail,
            )


class Cursors:
    """The session's own cursor."""

    def __init__(self, name: str, repeats: Repeats) -> None:
        self._name = name
        self.repeats = repeats

    def changed(self, items: Sequence[Item]) -> list[Cursor]:
        """It is written with every message that the broker may send again, and when a session begins."""
        if any(isinstance(item, Connected) or (isinstance(item, Message) and item.qos > 0) for item in items):
            return [Cursor(self._name, self.repeats.text())]
        return []
