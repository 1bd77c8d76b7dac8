"""The edge: a spool that loses nothing while the broker is away, the `Publisher` library, and the gateway program."""

from connectors.edge.bounds import Bounds, Held
from connectors.edge.errors import (
    DiskFullError,
    EventTooLargeError,
    InvalidEventError,
    SpoolFailedError,
    SpoolFullError,
    SpoolRefusedError,
)
from connectors.edge.event import Receipt
from connectors.edge.publisher import Publisher
from connectors.edge.sender import Delivery
from connectors.edge.spool import Cursor
from connectors.kafka.options import KafkaAccess, Sasl, Tls

__all__ = [
    "Bounds",
    "Cursor",
    "Delivery",
    "DiskFullError",
    "EventTooLargeError",
    "Held",
    "InvalidEventError",
    "KafkaAccess",
    "Publisher",
    "Receipt",
    "Sasl",
    "SpoolFailedError",
    "SpoolFullError",
    "SpoolRefusedError",
    "Tls",
]
