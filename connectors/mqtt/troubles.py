"""What can be wrong between us and a broker, by class and reason code, and what each means to a person."""

import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from paho.mqtt.reasoncodes import ReasonCode

from schemas.errors import ConfigurationError

Trouble = Literal["away", "certificate", "credentials", "not_allowed", "closed", "session_lost", "refused"]

# Reason codes of CONNACK, SUBACK and DISCONNECT (MQTT 5, 2.4); paho turns those of 3.1.1 into them.
_MEANING: Final[Mapping[int, Trouble]] = MappingProxyType(
    {
        0x86: "credentials",
        0x87: "credentials",
        0x8C: "credentials",
        0x88: "away",
        0x89: "away",
        0x8B: "away",
    }
)
SENTENCES: Final[Mapping[Trouble, str]] = MappingProxyType(
    {
        "away": "the broker does not answer: it keeps our messages; we try again",
        "certificate": "TLS fails, the broker's certificate or ours is not accepted: look at ca_file, cert_file and host",
        "credentials": "the broker does not accept our name and password: look at username and password_file, read anew",
        "not_allowed": "the broker does not let us read a topic: grant it to this user",
        "closed": "the broker closed the connection: another client may have our client_id",
        "session_lost": "the broker has forgotten our session: what was published since we left may be lost",
        "refused": "the broker refuses us",
    }
)


def meaning_of_code(code: ReasonCode) -> Trouble:
    """What a reason code of a failure is."""
    return _MEANING.get(code.value, "refused")


def meaning_of_error(error: Exception) -> Trouble:
    """What an error of connecting is."""
    if isinstance(error, ssl.SSLError):
        return "certificate"
    return "refused" if isinstance(error, ConfigurationError) else "away"
