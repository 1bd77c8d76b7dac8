"""A session with one broker, in a thread of its own: connects, subscribes, hands over what comes; tries for ever.

Every connection is a new client of the library, with the files of its access read anew. The session itself, which
messages we are owed, is the broker's. An acknowledgement belongs to the connection that brought its message.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from connectors.mqtt.access import MqttAccess, tls_context
from connectors.mqtt.inbox import Connected, Inbox, Message, Subscribed, Troubled
from connectors.mqtt.troubles import meaning_of_code, meaning_of_error
from schemas.errors import ConfigurationError

_RETRY_S: Final = 1.0
_CONNECT_S: Final = 10.0
_LOOK_S: Final = 0.5
_QOS: Final = 1
# MQTT 5: retained messages come with a new subscription, and not again with every connection.
_IF_NEW: Final = 1


class Session:
    """`start` it once; what happens goes to the inbox until `stop`."""

    def __init__(self, access: MqttAccess, filters: Sequence[str], inbox: Inbox) -> None:
        self._access = access
        self._filters = filters
        self._inbox = inbox
        self._stopped = threading.Event()
        self._client: Client | None = None
        self._has_subscribed = False
        self._is_refused = False
        self._is_answered = False
        self._alert: str | None = None
        self._thread = threading.Thread(target=self._run, name=f"mqtt {access.client_id}", daemon=True)

    def start(self) -> None:
        """Begin to connect; does not wait."""
        self._thread.start()

    def stop(self) -> None:
        """End the connection; the broker keeps the session."""
        self._stopped.set()
        self._inbox.close()
        self._thread.join(2 * _CONNECT_S)

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send a message at QoS 0; False when there is no connection to send it on."""
        client = self._client
        if client is None or not client.is_connected():
            return False
        return client.publish(topic, payload, qos=0).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _run(self) -> None:
        try:
            self._turns()
        except Exception as error:  # noqa: BLE001  (raised again by whoever takes it)
            self._inbox.put(error)

    def _turns(self) -> None:
        while not self._stopped.is_set():
            try:
                self._client = self._connected()
                self._turn(self._client)
            except (OSError, ConfigurationError) as error:
                self._inbox.put(Troubled(meaning_of_error(error), str(error) or type(error).__name__))
            self._stopped.wait(_RETRY_S)

    def _turn(self, client: Client) -> None:
        while client.loop(_LOOK_S) == MQTTErrorCode.MQTT_ERR_SUCCESS:
            if self._stopped.is_set():
                client.disconnect()
                client.loop(_LOOK_S)
                return

    def _connected(self) -> Client:
        access = self._access
        client = _client(access)
        self._is_answered, self._alert = False, None
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        # Written by our thread alone: without this, whoever acknowledges would write to the socket, too.
        client.on_socket_register_write = lambda *_: None
        if access.tls is not None:
            client.tls_set_context(tls_context(access.tls, self._alerted))
        if access.username is not None:
            client.username_pw_set(access.username, access.password())
        client.connect_timeout = _CONNECT_S
        if access.version == "5":
            client.connect(access.host, access.port, access.keepalive_s, clean_start=False, properties=_asked(access))
        else:
            client.connect(access.host, access.port, access.keepalive_s)
        return client

    def _on_connect(self, client: Client, _: Any, flags: ConnectFlags, code: ReasonCode, __: Any) -> None:
        self._is_answered = True
        self._is_refused = code.is_failure
        if code.is_failure:
            self._inbox.put(Troubled(meaning_of_code(code), str(code)))
            return
        self._inbox.put(Connected(flags.session_present))
        if self._access.version == "5":
            options = SubscribeOptions(qos=_QOS, retainHandling=_IF_NEW)
            client.subscribe([(wanted, options) for wanted in self._filters])
        elif flags.session_present and self._has_subscribed:
            # With 3.1.1 a subscription brings the retained messages each time: only when it is needed.
            self._inbox.put(Subscribed())
        else:
            client.subscribe([(wanted, _QOS) for wanted in self._filters])
        self._has_subscribed = True

    def _on_subscribe(self, _: Client, __: Any, ___: int, codes: list[ReasonCode], ____: Any) -> None:
        for wanted, code in zip(self._filters, codes, strict=True):
            if code.is_failure:
                self._inbox.put(Troubled("not_allowed", f"{wanted}: {code}"))
        self._inbox.put(Subscribed())

    def _on_disconnect(self, _: Client, __: Any, ___: Any, code: ReasonCode, ____: Any) -> None:
        # Who refused us has said why already.
        if code.is_failure and not self._is_refused and not self._stopped.is_set():
            # Over TLS a broker that says nothing to our CONNECT has judged our certificate (RFC 8446, 4.4.2.4).
            is_judged = self._access.tls is not None and not self._is_answered
            self._inbox.put(Troubled("certificate" if is_judged else "closed", self._alert or str(code)))

    def _alerted(self, reason: str) -> None:
        self._alert = reason

    def _on_message(self, client: Client, _: Any, message: MQTTMessage) -> None:
        properties = message.properties
        self._inbox.put(
            Message(
                _topic(message),
                bytes(message.payload),
                message.qos,
                message.mid,
                int(time.time() * 1000),
                partial(_acknowledge, client, message.mid, message.qos),
                message.dup,
                message.retain,
                getattr(properties, "ContentType", ""),
                tuple(getattr(properties, "UserProperty", ())),
            )
        )


def _client(access: MqttAccess) -> Client:
    is_5 = access.version == "5"
    return Client(
        CallbackAPIVersion.VERSION2,
        client_id=access.client_id,
        clean_session=None if is_5 else False,
        protocol=MQTTProtocolVersion.MQTTv5 if is_5 else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
        manual_ack=True,
    )


def _asked(access: MqttAccess) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = access.session_s
    properties.ReceiveMaximum = access.in_flight
    return properties


def _topic(message: MQTTMessage) -> str:
    """One that is not UTF-8 is no topic of ours: it is refused by the reader, not by an error in here."""
    try:
        return message.topic
    except UnicodeDecodeError:
        return "\ufffd"


def _acknowledge(client: Client, number: int, qos: int) -> None:
    # The connection may just have ended: then the broker sends the message again.
    with suppress(OSError):
        client.ack(number, qos)
