"""Brings a secured broker's passwords and rights to what the principals of the home say, and nothing beside them.

Speaks to the broker as its superuser, with the broker's own certificate.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from deploy.local.home import Home
from deploy.local.keyring import Keyring
from deploy.local.security import Accounts
from deploy.principals import Operation, Principal
from schemas.errors import ServiceUnreachableError

ANSWER_S: Final = 30.0
_ITERATIONS: Final = 4096
_OPERATIONS: Final[Mapping[Operation, AclOperation]] = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Create": AclOperation.CREATE,
    "Delete": AclOperation.DELETE,
    "Alter": AclOperation.ALTER,
    "AlterConfigs": AclOperation.ALTER_CONFIGS,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}
_KINDS: Final = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP}
_ANY: Final = AclBindingFilter(
    ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
)


def superuser(home: Home, port: int) -> AdminClient:
    """A client with the broker's own certificate, at its listener for certificates."""
    keyring = Keyring(home)
    own = keyring.signed("broker")
    return AdminClient(
        {
            "bootstrap.servers": f"127.0.0.1:{port}",
            "security.protocol": "SSL",
            "ssl.ca.location": str(keyring.bundle),
            "ssl.certificate.location": str(own.cert),
            "ssl.key.location": str(own.key),
            "log_level": 0,
        }
    )


def apply(admin: AdminClient, accounts: Accounts) -> None:
    """Safe to repeat. Who is no principal any more has neither password nor rights afterwards."""
    principals = accounts.principals().values()
    try:
        _apply_rights(admin, principals)
        _apply_passwords(admin, {one.name: accounts.password(one.name) for one in principals})
    except KafkaException as error:
        raise ServiceUnreachableError(f"the broker does not take the rights: {error.args[0].str()}") from error


def reload_certificates(admin: AdminClient, listeners: Sequence[str] = ("scram", "mtls")) -> None:
    """These listeners read keystore and truststore again; connections there are stay."""
    # Setting what is set already makes the broker look at its files. The controller's listener does so at its start.
    (node,) = admin.describe_cluster().result(ANSWER_S).nodes
    resource = ConfigResource(ConfigResource.Type.BROKER, str(node.id))
    described = admin.describe_configs([resource])[resource].result(ANSWER_S)
    for listener in listeners:
        for store in ("ssl.keystore.location", "ssl.truststore.location"):
            entry = ConfigEntry(
                f"listener.name.{listener}.{store}", described[store].value, incremental_operation=AlterConfigOpType.SET
            )
            resource.add_incremental_config(entry)
    _done(admin.incremental_alter_configs([resource]))


def _apply_rights(admin: AdminClient, principals: Iterable[Principal]) -> None:
    wanted = {binding for one in principals for binding in _bindings(one)}
    found = set(admin.describe_acls(_ANY, request_timeout=ANSWER_S).result(ANSWER_S))
    if wanted - found:
        _done(admin.create_acls(sorted(wanted - found), request_timeout=ANSWER_S))
    if found - wanted:
        _done(admin.delete_acls([_exactly(one) for one in found - wanted], request_timeout=ANSWER_S))


def _bindings(principal: Principal) -> Iterable[AclBinding]:
    for right in principal.rights:
        for operation in right.operations:
            yield AclBinding(
                _KINDS[right.kind],
                right.name,
                ResourcePatternType.LITERAL,
                f"User:{principal.name}",
                "*",
                _OPERATIONS[operation],
                AclPermissionType.ALLOW,
            )


def _exactly(one: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        one.restype, one.name, one.resource_pattern_type, one.principal, one.host, one.operation, one.permission_type
    )


def _apply_passwords(admin: AdminClient, passwords: Mapping[str, str]) -> None:
    found = admin.describe_user_scram_credentials(request_timeout=ANSWER_S).result(ANSWER_S)
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
    changes: list[Any] = [UserScramCredentialUpsertion(name, info, word.encode()) for name, word in passwords.items()]
    changes += [
        UserScramCredentialDeletion(name, known.mechanism)
        for name, user in found.items()
        for known in user.scram_credential_infos
        if name not in passwords
    ]
    _done(admin.alter_user_scram_credentials(changes, request_timeout=ANSWER_S))


def _done(futures: Mapping[Any, "Future[Any]"]) -> None:
    for future in futures.values():
        future.result(ANSWER_S)
