"""Whether Kafka still lets this worker in. What a person must mend is said in one line; what is mended is taken up.

The client under Faust keeps the secrets it was started with, so a worker whose files have changed starts over, once the
new ones open the door. Old connections may live on meanwhile; nothing is read twice or lost, the fence is in the database.
"""

import hashlib
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import structlog
from mode import Service

from connectors.kafka.knocking import knock
from connectors.kafka.options import KafkaAccess
from connectors.prometheus import Registry
from schemas import metrics
from schemas.errors import ConfigurationError, ServiceUnreachableError

log = structlog.get_logger()
LOOK_S: Final = 5.0
REPEAT_S: Final = 60.0


class Doorkeeper(Service):
    """Knocks every few seconds where security is on. `trouble` is the line for a person, None when all is well.

    `on_changed` is called once, when the files are others than at the start and the brokers accept them.
    """

    def __init__(
        self,
        access: KafkaAccess,
        registry: Registry,
        unadmitted: Callable[[], Awaitable[str | None]],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.trouble: str | None = None
        self.on_changed: Callable[[], None] = lambda: None
        self._access = access
        self._registry = registry
        self._unadmitted = unadmitted
        self._begun_with = fingerprint(access)
        self._said_s = -REPEAT_S

    @Service.task
    async def _watch(self) -> None:
        while self._access.security != "plaintext" and not self.should_stop:
            await self.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """One knock, and what follows from it."""
        try:
            await knock(self._access)
            refused = await self._unadmitted()
        except ConfigurationError as error:
            refused = str(error)
        except ServiceUnreachableError:
            # Whether we may come in is not known; that nobody answers is the watchdog's to say.
            return
        if refused is None:
            self._let_in()
        else:
            self._refused(refused)

    def _refused(self, why: str) -> None:
        self._registry.counter(metrics.BROKER_REFUSALS).inc()
        if why != self.trouble or time.monotonic() - self._said_s >= REPEAT_S:
            log.warning("kafka_refuses", meaning=why)
            self._said_s = time.monotonic()
        self.trouble = why

    def _let_in(self) -> None:
        if self.trouble is not None:
            log.info("kafka_lets_us_in_again")
            self.trouble = None
        if fingerprint(self._access) != self._begun_with:
            log.info("kafka_secrets_changed", meaning="starting over with them")
            self._begun_with = fingerprint(self._access)
            self.on_changed()


def fingerprint(access: KafkaAccess) -> str:
    """Tells one content of the access's files from another; says nothing about it."""
    digest = hashlib.sha256()
    for file in _files(access):
        digest.update(file.read_bytes() if file.exists() else b"")
        digest.update(b"\0")
    return digest.hexdigest()


def _files(access: KafkaAccess) -> Iterator[Path]:
    sasl = (access.sasl.username_file, access.sasl.password_file) if access.sasl else ()
    tls = (access.tls.ca_file, access.tls.cert_file, access.tls.key_file)
    return (file for file in (*sasl, *tls) if file is not None)
