"""Rendered overlays, and ways to break them: one for each policy."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from deploy.k8s.render import FOLDER, Manifest, render

Change = Callable[[list[Manifest]], None]


def overlay(name: str) -> list[Manifest]:
    """A copy of the rendered overlay, for tests to change; rendered once."""
    return deepcopy(_rendered(name))


@cache
def _rendered(name: str) -> list[Manifest]:
    return render(FOLDER / "overlays" / name)


def find(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    return next(one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name))


def pod(manifests: list[Manifest]) -> dict[str, Any]:
    """The worker's."""
    spec: dict[str, Any] = find(manifests, "Deployment", "worker")["spec"]["template"]["spec"]
    return spec


def _set(kind: str, name: str, path: str, value: object) -> Change:
    """Set what `path` (a JSON pointer without its first slash) leads to."""

    def change(manifests: list[Manifest]) -> None:
        node: Any = find(manifests, kind, name)
        *way, last = (int(word) if word.isdecimal() else word.replace("~1", "/") for word in path.split("/"))
        for word in way:
            node = node[word]
        node[last] = value

    return change


def _add(manifest: Manifest) -> Change:
    return lambda manifests: manifests.append(manifest)


def _remove(kind: str, name: str) -> Change:
    return lambda manifests: manifests.remove(find(manifests, kind, name))


WORKER = ("Deployment", "worker")
POD = "spec/template/spec"
CONTAINER = f"{POD}/containers/0"

# For each policy a change that breaks it, and who is to be named.
BROKEN: Mapping[str, tuple[Change, str]] = {
    "Pod Security restricted": (_set(*WORKER, f"{POD}/hostNetwork", True), "Deployment/worker"),
    "the root file system is read-only": (
        _set(*WORKER, f"{CONTAINER}/securityContext/readOnlyRootFilesystem", False),
        "Deployment/worker",
    ),
    "no service account's token": (_set(*WORKER, f"{POD}/automountServiceAccountToken", True), "Deployment/worker"),
    "requests and limits, the same memory in both, sized scratch space": (
        _set(*WORKER, f"{CONTAINER}/resources/limits/memory", "2Gi"),
        "Deployment/worker",
    ),
    "the image has a version, and not latest": (
        _set(*WORKER, f"{CONTAINER}/image", "quaystream:latest"),
        "Deployment/worker",
    ),
    "secrets are files": (
        _set(*WORKER, f"{CONTAINER}/env/0", {"name": "P", "valueFrom": {"secretKeyRef": {"name": "p", "key": "p"}}}),
        "Deployment/worker",
    ),
    "no variables about services": (_set(*WORKER, f"{POD}/enableServiceLinks", True), "Deployment/worker"),
    "the namespace is closed in both directions by default": (
        _remove("NetworkPolicy", "default-deny"),
        "Namespace/quaystream",
    ),
    "every rule of the network says who and which port": (
        _set("NetworkPolicy", "worker", "spec/ingress/0", {"ports": [{"port": 6066}]}),
        "NetworkPolicy/worker",
    ),
    "only operators' pods leave the cluster, to single addresses": (
        _set("NetworkPolicy", "site-control-plane-kafka", "spec/egress/0/to/0/ipBlock/cidr", "0.0.0.0/0"),
        "NetworkPolicy/site-control-plane-kafka",
    ),
    "our pods speak to Kafka and the database alone": (
        _set(
            "NetworkPolicy",
            "gateway-01",
            "spec/egress/0/to/0",
            {"namespaceSelector": {"matchLabels": {"zone": "crane"}}},
        ),
        "NetworkPolicy/gateway-01",
    ),
    "nothing is published outside the cluster": (
        _set("Service", "gateway-01", "spec/type", "NodePort"),
        "Service/gateway-01",
    ),
    "every workload has conduits of its own": (_remove("NetworkPolicy", "migrate"), "Job/migrate"),
    "every listener speaks TLS and asks who is there": (
        _set("Kafka", "quaystream", "spec/kafka/listeners/1/tls", False),
        "Kafka/quaystream",
    ),
    "nobody may do what is not written down": (
        _set("Kafka", "quaystream", "spec/kafka/config/allow.everyone.if.no.acl.found", True),
        "Kafka/quaystream",
    ),
    "a record is on two brokers before it counts": (
        _set("Kafka", "quaystream", "spec/kafka/config/min.insync.replicas", 1),
        "Kafka/quaystream",
    ),
    "rights at the brokers are exact": (
        _set("KafkaUser", "worker", "spec/authorization/acls/0/operations", ["All"]),
        "KafkaUser/worker",
    ),
    "a gateway writes its events, within a quota, and reads nothing": (
        _set("KafkaUser", "gateway-02", "spec/authorization/acls/0/operations", ["Read", "Write"]),
        "KafkaUser/gateway-02",
    ),
    "the database lets in passwords over TLS alone": (
        _set("Cluster", "quaystream-db", "spec/postgresql/pg_hba/1", "host all all all scram-sha-256"),
        "Cluster/quaystream-db",
    ),
    "a commit is on two instances before it counts": (
        _set("Cluster", "quaystream-db", "spec/postgresql/synchronous/dataDurability", "preferred"),
        "Cluster/quaystream-db",
    ),
    "the database is backed up, log and all": (_remove("ScheduledBackup", "nightly"), "Cluster/quaystream-db"),
    "the namespace enforces Pod Security restricted": (
        _set("Namespace", "quaystream", "metadata/labels/pod-security.kubernetes.io~1enforce", "baseline"),
        "Namespace/quaystream",
    ),
    "no secret is written down": (
        _add({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys-01"}, "stringData": {"token": "x"}}),
        "Secret/keys-01",
    ),
    "no rights at the cluster's API": (
        _add({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "all"}}),
        "Role/all",
    ),
    "workers are replaced one at a time, none beside": (
        _set(*WORKER, "spec/strategy/rollingUpdate/maxSurge", 1),
        "Deployment/worker",
    ),
    "there is time for twice the longest transaction": (
        _set(*WORKER, f"{POD}/terminationGracePeriodSeconds", 120),
        "Deployment/worker",
    ),
    "workers are spread, and one at a time may be taken away": (
        _remove("PodDisruptionBudget", "worker"),
        "Deployment/worker",
    ),
    "start, life and readiness are probed": (
        lambda manifests: pod(manifests)["containers"][0].pop("livenessProbe"),
        "Deployment/worker",
    ),
}
