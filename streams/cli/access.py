"""How the commands reach Kafka: from the settings, and without the client's own log lines between theirs."""

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.kafka.options import KafkaAccess
    from streams.settings import Settings


def kafka_access(settings: "Settings") -> "KafkaAccess":
    """The access that the settings describe; raises ConfigurationError."""
    from connectors.kafka.options import access_from

    # What goes wrong reaches the person once, as the error a command ends with.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    return access_from(settings)
