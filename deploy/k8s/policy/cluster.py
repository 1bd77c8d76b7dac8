"""What the namespace and the workers' changes must be; and what must not be among the manifests at all."""

from collections.abc import Iterable, Iterator

from connectors.timescale.deadlines import COMMAND_TIMEOUT_S
from deploy.k8s.policy.pods import containers, spec_of
from deploy.k8s.render import Manifest, name_of

LEVELS = ("enforce", "audit", "warn")
RIGHTS = {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}


def _namespace(manifests: Iterable[Manifest]) -> Iterator[str]:
    for one in manifests:
        labels = one["metadata"].get("labels", {})
        if one["kind"] == "Namespace" and any(
            labels.get(f"pod-security.kubernetes.io/{level}") != "restricted" for level in LEVELS
        ):
            yield name_of(one)


def _no_secrets(manifests: Iterable[Manifest]) -> Iterator[str]:
    return (name_of(one) for one in manifests if one["kind"] == "Secret")


def _no_rights(manifests: Iterable[Manifest]) -> Iterator[str]:
    return (name_of(one) for one in manifests if one["kind"] in RIGHTS)


def _rolls_gently(manifests: Iterable[Manifest]) -> Iterator[str]:
    for one in manifests:
        wanted = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
        if one["kind"] == "Deployment" and one["spec"].get("strategy") != wanted:
            yield name_of(one)


def _ends_in_peace(manifests: Iterable[Manifest]) -> Iterator[str]:
    """SIGTERM lets the transaction in flight end: there must be time for the longest, twice."""
    for one in manifests:
        if (
            one["kind"] == "Deployment"
            and spec_of(one).get("terminationGracePeriodSeconds", 30) <= 2 * COMMAND_TIMEOUT_S
        ):
            yield name_of(one)


def _is_spared(manifests: Iterable[Manifest]) -> Iterator[str]:
    everything = list(manifests)
    spared = [one["spec"]["selector"]["matchLabels"] for one in everything if one["kind"] == "PodDisruptionBudget"]
    for one in everything:
        if one["kind"] == "Deployment" and not (
            one["spec"]["selector"]["matchLabels"] in spared and spec_of(one).get("topologySpreadConstraints")
        ):
            yield name_of(one)


def _is_probed(manifests: Iterable[Manifest]) -> Iterator[str]:
    for one in manifests:
        probes = {"startupProbe", "livenessProbe", "readinessProbe"}
        if one["kind"] in ("Deployment", "StatefulSet") and not all(
            probes <= set(container) for container in containers(spec_of(one))
        ):
            yield name_of(one)


POLICIES = {
    "the namespace enforces Pod Security restricted": _namespace,
    "no secret is written down": _no_secrets,
    "no rights at the cluster's API": _no_rights,
    "workers are replaced one at a time, none beside": _rolls_gently,
    "there is time for twice the longest transaction": _ends_in_peace,
    "workers are spread, and one at a time may be taken away": _is_spared,
    "start, life and readiness are probed": _is_probed,
}
