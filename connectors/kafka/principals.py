"""Principals of gateways at the brokers: a password, the right to write to some topics, and nothing more.

Only ever touches the principals it is asked about. A broker without an authorizer asks nobody's name: there is nothing to do.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from schemas.errors import ConfigurationError, ServiceUnreachableError

ANSWER_S: Final = 30.0
_ITERATIONS: Final = 4096
_WRITES: Final = (AclOperation.WRITE, AclOperation.DESCRIBE)
_REFUSED: Final = (KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.SASL_AUTHENTICATION_FAILED)


@dataclass(frozen=True, slots=True)
class Account:
    """What one principal should have at the brokers; `has_password` False: it shows a certificate."""

    name: str
    topics: frozenset[str]
    has_password: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """What one principal lacks or has too much: topics it may not write yet, or may and should not; a password."""

    account: Account
    exists: bool
    missing: frozenset[str]
    surplus: frozenset[str]
    lacks_password: bool

    @property
    def is_empty(self) -> bool:
        return not (self.missing or self.surplus or self.lacks_password)


class PrincipalAdmin:
    """Reads and changes them, through an admin client that may."""

    def __init__(self, client: AdminClient) -> None:
        self._client = client

    def has_authorizer(self) -> bool:
        """Whether the brokers ask who somebody is."""
        # What librdkafka makes of DescribeAcls without an authorizer is an empty answer, so the broker's settings are asked.
        try:
            node = self._client.describe_cluster(request_timeout=ANSWER_S).result(ANSWER_S).nodes[0]
            resource = ConfigResource(ConfigResource.Type.BROKER, str(node.id))
            found = self._client.describe_configs([resource], request_timeout=ANSWER_S)[resource].result(ANSWER_S)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED:
                return True
            raise _in_words(error) from error
        return bool(found["authorizer.class.name"].value)

    def compare(self, accounts: Iterable[Account]) -> list[Difference]:
        """Each account beside what the brokers have of it, in order."""
        try:
            # Asked first because it takes the same right: refused, the next one would end the process within librdkafka.
            self._client.describe_acls(_everything("nobody"), request_timeout=ANSWER_S).result(ANSWER_S)
            with_password = set(self._client.describe_user_scram_credentials(request_timeout=ANSWER_S).result(ANSWER_S))
            return [self._difference(account, with_password) for account in accounts]
        except KafkaException as error:
            raise _in_words(error) from error

    def apply(self, differences: Sequence[Difference], passwords: Mapping[str, str]) -> None:
        """Close the differences; `passwords` by name of those that lack one."""
        granted = [one for d in differences for topic in sorted(d.missing) for one in _bindings(d.account.name, topic)]
        taken = [one for d in differences for topic in sorted(d.surplus) for one in _filters(d.account.name, topic)]
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
        made = [
            UserScramCredentialUpsertion(d.account.name, info, passwords[d.account.name].encode())
            for d in differences
            if d.lacks_password
        ]
        try:
            if granted:
                _done(self._client.create_acls(granted, request_timeout=ANSWER_S))
            if taken:
                _done(self._client.delete_acls(taken, request_timeout=ANSWER_S))
            if made:
                _done(self._client.alter_user_scram_credentials(made, request_timeout=ANSWER_S))
        except KafkaException as error:
            raise _in_words(error) from error

    def remove(self, names: Iterable[str]) -> None:
        """Rights and passwords of principals that speak for nothing any more."""
        gone = list(names)
        try:
            known = self._client.describe_user_scram_credentials(request_timeout=ANSWER_S).result(ANSWER_S)
            doomed = [UserScramCredentialDeletion(n, ScramMechanism.SCRAM_SHA_512) for n in gone if n in known]
            if gone:
                _done(self._client.delete_acls([_everything(name) for name in gone], request_timeout=ANSWER_S))
            if doomed:
                _done(self._client.alter_user_scram_credentials(doomed, request_timeout=ANSWER_S))
        except KafkaException as error:
            raise _in_words(error) from error

    def _difference(self, account: Account, with_password: set[str]) -> Difference:
        found = self._client.describe_acls(_everything(account.name), request_timeout=ANSWER_S).result(ANSWER_S)
        may = frozenset(one.name for one in found if one.operation is AclOperation.WRITE)
        lacks = account.has_password and account.name not in with_password
        exists = bool(found) or account.name in with_password
        return Difference(account, exists, account.topics - may, may - account.topics, lacks)


def _bindings(name: str, topic: str) -> list[AclBinding]:
    place = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, f"User:{name}", "*")
    return [AclBinding(*place, operation, AclPermissionType.ALLOW) for operation in _WRITES]


def _filters(name: str, topic: str) -> list[AclBindingFilter]:
    place = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, f"User:{name}", "*")
    return [AclBindingFilter(*place, operation, AclPermissionType.ALLOW) for operation in _WRITES]


def _everything(name: str) -> AclBindingFilter:
    any_topic = (ResourceType.TOPIC, None, ResourcePatternType.LITERAL)
    return AclBindingFilter(*any_topic, f"User:{name}", None, AclOperation.ANY, AclPermissionType.ANY)


def _done(futures: Mapping[Any, "Future[Any]"]) -> None:
    for future in futures.values():
        future.result(ANSWER_S)


def _in_words(error: KafkaException) -> ConfigurationError | ServiceUnreachableError:
    fault = error.args[0]
    if fault.code() in _REFUSED:
        return ConfigurationError(
            f"the brokers do not let us give rights ({fault.str()}): run this as a principal that may (docs/how-to/onboard.md)"
        )
    return ServiceUnreachableError(f"the brokers do not take the rights: {fault.str()}")
