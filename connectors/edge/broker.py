"""The door to Kafka: an idempotent producer of librdkafka, and what each of its error codes means to a person."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer

from connectors.edge.letter import headers_of
from connectors.edge.row import Row
from connectors.kafka.options import KafkaAccess, librdkafka_options
from schemas.errors import ConfigurationError

Trouble = Literal["away", "certificate", "credentials", "not_allowed", "no_topic", "refused", "other"]

HEADERS: Final[list[tuple[str, bytes | None]]] = [("content-type", b"application/cloudevents+json")]
# What one event may be before compression; what the broker takes is the topic's max.message.bytes.
_MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
_MEANING: Final[Mapping[int, Trouble]] = MappingProxyType(
    {
        KafkaError._ALL_BROKERS_DOWN: "away",
        KafkaError._TRANSPORT: "away",
        KafkaError._RESOLVE: "away",
        KafkaError._MSG_TIMED_OUT: "away",
        KafkaError._TIMED_OUT: "away",
        KafkaError.REQUEST_TIMED_OUT: "away",
        KafkaError.NOT_ENOUGH_REPLICAS: "away",
        KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND: "away",
        KafkaError._SSL: "certificate",
        KafkaError._AUTHENTICATION: "credentials",
        KafkaError.SASL_AUTHENTICATION_FAILED: "credentials",
        KafkaError.TOPIC_AUTHORIZATION_FAILED: "not_allowed",
        KafkaError.CLUSTER_AUTHORIZATION_FAILED: "not_allowed",
        KafkaError._UNKNOWN_TOPIC: "no_topic",
        KafkaError._UNKNOWN_PARTITION: "no_topic",
        KafkaError.UNKNOWN_TOPIC_OR_PART: "no_topic",
        KafkaError.MSG_SIZE_TOO_LARGE: "refused",
        KafkaError.INVALID_RECORD: "refused",
        KafkaError.INVALID_MSG: "refused",
    }
)
SENTENCES: Final[Mapping[Trouble, str]] = MappingProxyType(
    {
        "away": "Kafka does not answer: events wait in the spool",
        "certificate": "Kafka's certificate or ours is not accepted: look at QUAYSTREAM_CA_FILE, QUAYSTREAM_CERT_FILE",
        "credentials": "Kafka does not accept our name and password: look at QUAYSTREAM_PASSWORD_FILE, which is read anew",
        "not_allowed": "Kafka does not let us write to the topic: grant Write to this principal; its events wait",
        "no_topic": "the topic does not exist: create it with `quaystream topics apply`; its events wait",
        "refused": "Kafka will never accept this event: it is set aside in the spool",
        "other": "Kafka reports an error: events wait in the spool",
    }
)


class Failure(NamedTuple):
    """An event that was not delivered, as far as we know."""

    position: int
    topic: str
    trouble: Trouble
    detail: str


class Broker:
    """One producer, and what has become of what it was given: `delivered` and `failed`, for the caller to empty."""

    def __init__(self, access: KafkaAccess, answer_timeout_s: float, heard: Callable[[Trouble, str], None]) -> None:
        self.delivered: list[int] = []
        self.failed: list[Failure] = []
        self._heard = heard
        self._signer = access.signer()
        self._producer = _producer(
            {**librdkafka_options(access), **_options(answer_timeout_s), "error_cb": self._error}
        )

    def send(self, row: Row) -> bool:
        """Hand over one event; False when the producer takes no more now."""
        done = partial(self._done, row.position, row.topic)
        own = HEADERS if row.headers is None else headers_of(row.headers)
        headers = self._signer.signed(row.value, own) if self._signer else own
        try:
            self._producer.produce(row.topic, row.value, row.key.encode(), headers=list(headers), on_delivery=done)
        except BufferError:
            return False
        except KafkaException as error:
            self._failed(row.position, row.topic, error.args[0])
        return True

    def poll(self) -> None:
        """Learn what has become of what is on its way; does not wait."""
        self._producer.poll(0)

    def abandon(self) -> None:
        """Forget everything that is on its way. What of it has arrived is not known."""
        self._producer.purge()
        self._producer.poll(0)

    def _done(self, position: int, topic: str, error: KafkaError | None, _: Any) -> None:
        if error is None:
            self.delivered.append(position)
        else:
            self._failed(position, topic, error)

    def _failed(self, position: int, topic: str, error: KafkaError) -> None:
        self.failed.append(Failure(position, topic, meaning(error), f"{error.name()}: {error.str()}"))

    def _error(self, error: KafkaError) -> None:
        self._heard(meaning(error), f"{error.name()}: {error.str()}")


def meaning(error: KafkaError) -> Trouble:
    """What kind of trouble an error is, by its code."""
    return _MEANING.get(error.code(), "other")


def _producer(options: dict[str, Any]) -> Producer:
    try:
        return Producer(options)
    except KafkaException as error:
        raise ConfigurationError(f"Kafka's client refuses its configuration: {error.args[0].str()}") from error


def _options(answer_timeout_s: float) -> dict[str, Any]:
    answer_ms = min(int(answer_timeout_s * 1000), 30_000)
    return {
        "client.id": "quaystream-gateway",
        "acks": "all",
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
        "linger.ms": 5,
        # Never given up: the broker knows a request that is made again by its number, even when the first one arrives
        # after all. What a new producer sends is new to it, and could overtake what the old one had under way.
        "message.timeout.ms": 0,
        "request.timeout.ms": answer_ms,
        "socket.timeout.ms": answer_ms,
        "socket.connection.setup.timeout.ms": max(answer_ms, 1_000),
        "message.max.bytes": _MAX_MESSAGE_BYTES,
        "queue.buffering.max.messages": 100_000,
        "reconnect.backoff.max.ms": 2_000,
        "log_level": 0,
    }
