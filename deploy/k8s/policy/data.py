"""Kafka and PostgreSQL: nothing in the clear, nobody unnamed, no right that is not needed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deploy.k8s.render import Manifest, name_of

Node = Mapping[str, Any]
NEVER = {"All", "Create", "Delete", "Alter", "AlterConfigs", "ClusterAction", "IdempotentWrite"}


def _kind(manifests: Iterable[Manifest], kind: str, group: str) -> Iterator[Manifest]:
    return (one for one in manifests if one["kind"] == kind and one["apiVersion"].startswith(group))


def _listeners(manifests: Iterable[Manifest]) -> Iterator[str]:
    for one in _kind(manifests, "Kafka", "kafka.strimzi.io"):
        listeners = one["spec"]["kafka"]["listeners"]
        if not all(listener["tls"] is True and "authentication" in listener for listener in listeners):
            yield name_of(one)


def _authorizer(manifests: Iterable[Manifest]) -> Iterator[str]:
    for one in _kind(manifests, "Kafka", "kafka.strimzi.io"):
        kafka = one["spec"]["kafka"]
        denies = kafka["config"].get("allow.everyone.if.no.acl.found") is False
        if kafka.get("authorization") != {"type": "simple"} or not denies:
            yield name_of(one)


def _durable(manifests: Iterable[Manifest]) -> Iterator[str]:
    everything = list(manifests)
    brokers = sum(
        pool["spec"]["replicas"]
        for pool in _kind(everything, "KafkaNodePool", "kafka.strimzi.io")
        if "broker" in pool["spec"]["roles"]
    )
    for one in _kind(everything, "Kafka", "kafka.strimzi.io"):
        config = one["spec"]["kafka"]["config"]
        least = 2 if brokers > 1 else 1
        if config["min.insync.replicas"] < least or config["unclean.leader.election.enable"] is not False:
            yield name_of(one)


def _rights(user: Manifest) -> Iterator[tuple[Node, set[str]]]:
    for acl in user["spec"].get("authorization", {}).get("acls", ()):
        yield acl["resource"], set(acl["operations"])


def _users(manifests: Iterable[Manifest]) -> Iterator[str]:
    for user in _kind(manifests, "KafkaUser", "kafka.strimzi.io"):
        rights = list(_rights(user))
        exact = all(
            where["type"] in ("topic", "group")
            and where["name"] != "*"
            and where.get("patternType", "literal") == "literal"
            and not operations & NEVER
            for where, operations in rights
        )
        if not rights or not exact:
            yield name_of(user)


def _gateways(manifests: Iterable[Manifest]) -> Iterator[str]:
    for user in _kind(manifests, "KafkaUser", "kafka.strimzi.io"):
        if not user["metadata"]["name"].startswith("gateway"):
            continue
        writes = all(
            operations <= {"Write", "Describe"} and where["name"].endswith("-events")
            for where, operations in _rights(user)
        )
        if not writes or "producerByteRate" not in user["spec"].get("quotas", {}):
            yield name_of(user)


def _clusters(manifests: Iterable[Manifest]) -> Iterator[Manifest]:
    return _kind(manifests, "Cluster", "postgresql.cnpg.io")


def _hba(manifests: Iterable[Manifest]) -> Iterator[str]:
    for one in _clusters(manifests):
        lines = [line.split() for line in one["spec"]["postgresql"].get("pg_hba", ())]
        lets_in = [line for line in lines if line[-1] != "reject"]
        begins = bool(lines) and lines[0] == ["hostnossl", "all", "all", "all", "reject"]
        ends = bool(lines) and lines[-1] == ["host", "all", "all", "all", "reject"]
        if not (begins and ends and all(line[0] == "hostssl" and line[-1] == "scram-sha-256" for line in lets_in)):
            yield name_of(one)


def _synchronous(manifests: Iterable[Manifest]) -> Iterator[str]:
    for one in _clusters(manifests):
        wanted = one["spec"]["postgresql"].get("synchronous", {})
        held = wanted.get("number", 0) >= 1 and wanted.get("dataDurability") == "required"
        if one["spec"]["instances"] > 1 and not held:
            yield name_of(one)


def _backed_up(manifests: Iterable[Manifest]) -> Iterator[str]:
    everything = list(manifests)
    scheduled = {one["spec"]["cluster"]["name"] for one in _kind(everything, "ScheduledBackup", "postgresql.cnpg.io")}
    for one in _clusters(everything):
        archives = any(plugin.get("isWALArchiver") for plugin in one["spec"].get("plugins", ()))
        if not archives or one["metadata"]["name"] not in scheduled:
            yield name_of(one)


POLICIES = {
    "every listener speaks TLS and asks who is there": _listeners,
    "nobody may do what is not written down": _authorizer,
    "a record is on two brokers before it counts": _durable,
    "rights at the brokers are exact": _users,
    "a gateway writes its events, within a quota, and reads nothing": _gateways,
    "the database lets in passwords over TLS alone": _hba,
    "a commit is on two instances before it counts": _synchronous,
    "the database is backed up, log and all": _backed_up,
}
