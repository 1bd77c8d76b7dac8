"""Whether the brokers let us in, and if not, why: one connection, judged by the class of what goes wrong.

The client itself swallows the reason on its way to "unable to bootstrap".
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from connectors.kafka.options import KafkaAccess, client_options
from schemas.errors import ConfigurationError, QuaystreamError, ServiceUnreachableError

ANSWER_S: Final = 5.0
_WRONG_WORDS: Final = (AuthenticationFailedError, SaslAuthenticationFailed, UnsupportedSaslMechanismError)


async def knock(access: KafkaAccess) -> None:
    """Be let in once, with secrets read anew, by the first broker that has an opinion.

    Raises ConfigurationError where a certificate or a password is not accepted, ServiceUnreachableError where nobody answers.
    """
    options = client_options(access)
    mildest: QuaystreamError | None = None
    for broker in options.pop("bootstrap_servers").split(","):
        try:
            return await _enter(broker, options)
        except (OSError, KafkaError, TimeoutError) as error:
            found = _meaning(error, broker, access)
            if isinstance(found, ConfigurationError):
                raise found from error
            mildest = mildest or found
    raise mildest or _nobody(access)


async def refusal(access: KafkaAccess) -> QuaystreamError:
    """What to tell a person whom the client has told nothing."""
    try:
        await knock(access)
    except QuaystreamError as error:
        return error
    return _nobody(access)


async def _enter(broker: str, options: Mapping[str, Any]) -> None:
    host, _, port = broker.rpartition(":")
    async with asyncio.timeout(ANSWER_S):
        connection = await create_conn(host, int(port), client_id="quaystream-knock", **options)
    connection.close()


def _meaning(error: BaseException, broker: str, access: KafkaAccess) -> QuaystreamError:
    # What ends a connection that was made already comes as the cause of a KafkaConnectionError.
    reason = error.__cause__ if isinstance(error.__cause__, (OSError, EOFError)) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return ConfigurationError(
            f"the certificate of Kafka at {broker} is not accepted ({reason.verify_message}): "
            "look at QUAYSTREAM_CA_FILE, or give the broker one that is good"
        )
    if isinstance(reason, ssl.SSLError):
        return ConfigurationError(
            f"Kafka at {broker} does not accept our certificate, or speaks no TLS ({reason.reason}): "
            "look at QUAYSTREAM_CERT_FILE, QUAYSTREAM_KEY_FILE and QUAYSTREAM_KAFKA_SECURITY"
        )
    if isinstance(reason, _WRONG_WORDS):
        return ConfigurationError(
            f"Kafka at {broker} does not accept our name and password: "
            "look at QUAYSTREAM_USERNAME_FILE and QUAYSTREAM_PASSWORD_FILE"
        )
    if isinstance(reason, EOFError):
        return ServiceUnreachableError(
            f"Kafka at {broker} ends the connection: does it ask for more than QUAYSTREAM_KAFKA_SECURITY={access.security}?"
        )
    return _nobody(access)


def _nobody(access: KafkaAccess) -> ServiceUnreachableError:
    return ServiceUnreachableError(
        f"no Kafka broker lets us in at {access.brokers} with security {access.security}: "
        "start one (`quaystream up`), or mend QUAYSTREAM_BROKERS or QUAYSTREAM_KAFKA_SECURITY and its files"
    )
