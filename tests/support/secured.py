"""A secured stack for tests: its principals' clients and environments, and ways to lose and get back what lets them in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psycopg
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from deploy.local.certificates import Signed
from deploy.local.home import Home
from deploy.local.keyring import Keyring
from deploy.local.security import Accounts, environment_of
from deploy.local.stack import Stack
from tests.support.broker import Broker

# What the settings of an environment are called by librdkafka, a client that is not the commands' own.
_WORDS = {
    "BROKERS": "bootstrap.servers",
    "CA_FILE": "ssl.ca.location",
    "CERT_FILE": "ssl.certificate.location",
    "KEY_FILE": "ssl.key.location",
}
_PROTOCOLS = {"mtls": "SSL", "scram": "SASL_SSL"}


@dataclass(frozen=True)
class Secured:
    """The stack and what a test does with it."""

    stack: Stack

    @property
    def home(self) -> Home:
        return Home(self.stack.home)

    @property
    def keyring(self) -> Keyring:
        return Keyring(self.home)

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.home)

    def environment(self, principal: str) -> dict[str, str]:
        """What a command of this principal runs with, as from its file of settings."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("QUAYSTREAM_")}
        return {**ours, **environment_of(self.stack.home, principal)}

    def options(self, principal: str) -> dict[str, str]:
        """How that principal reaches the brokers, as librdkafka names it."""
        given = {name.removeprefix("QUAYSTREAM_"): value for name, value in self.environment(principal).items()}
        found = {word: given[name] for name, word in _WORDS.items() if name in given}
        found |= {"security.protocol": _PROTOCOLS[given["KAFKA_SECURITY"]], "log_level": "0"}
        if given["KAFKA_SECURITY"] == "scram":
            name, password = (Path(given[file]).read_text().strip() for file in ("USERNAME_FILE", "PASSWORD_FILE"))
            found |= {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": name, "sasl.password": password}
        return found

    def shown(self, signed: Signed) -> dict[str, str]:
        """The options of who shows this certificate."""
        files = {"ssl.certificate.location": str(signed.cert), "ssl.key.location": str(signed.key)}
        return {**self.options("worker"), **files}

    @cached_property
    def broker(self) -> Broker:
        """With every right: the broker's own certificate."""
        options = self.shown(self.keyring.signed("broker"))
        return Broker(options["bootstrap.servers"], options)

    def forget_clients(self) -> None:
        """After certificates were made anew: those in use know the old ones."""
        self.__dict__.pop("broker", None)

    def superuser(self, statement: str, database: str = "quaystream") -> None:
        with psycopg.connect(self.stack.superuser_url(database), autocommit=True) as connection:
            connection.execute(statement.encode())


@dataclass(frozen=True)
class Clients:
    """One principal's clients, made when first used and kept: a connection costs more than what is asked of it."""

    options: Mapping[str, str]

    @cached_property
    def admin(self) -> AdminClient:
        return AdminClient(dict(self.options))

    @cached_property
    def producer(self) -> Producer:
        return Producer({**self.options, "message.timeout.ms": "20000"})

    def consumer(self) -> Consumer:
        """A new one for each use: it tells only once that a topic is not for it."""
        own = {"group.id": "quaystream", "enable.auto.commit": "false", "enable.partition.eof": "true"}
        return Consumer({**self.options, **own})
