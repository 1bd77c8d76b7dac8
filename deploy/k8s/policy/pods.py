"""What our pods must be: Pod Security `restricted` and the little beyond it that a program like ours can do without."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from deploy.k8s.render import Manifest, name_of

Node = Mapping[str, Any]
WORKLOADS = {"Deployment", "StatefulSet", "Job", "DaemonSet", "CronJob", "Pod"}
VOLUMES = {"configMap", "secret", "emptyDir", "projected", "persistentVolumeClaim", "downwardAPI"}


def spec_of(manifest: Manifest) -> Node:
    """The pod's spec inside a workload."""
    spec = manifest["spec"]
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return dict(spec if manifest["kind"] == "Pod" else spec["template"]["spec"])


def containers(spec: Node) -> list[Node]:
    return [*spec.get("initContainers", ()), *spec["containers"]]


def _is_restricted(spec: Node) -> bool:
    own = spec.get("securityContext", {})
    alone = not any(spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))
    user = own.get("runAsNonRoot") is True and int(own.get("runAsUser", 0)) > 0
    profile = own.get("seccompProfile", {}).get("type") == "RuntimeDefault"
    volumes = all(set(volume) - {"name"} <= VOLUMES for volume in spec.get("volumes", ()))
    return alone and user and profile and volumes and all(map(_is_contained, containers(spec)))


def _is_contained(container: Node) -> bool:
    own = container.get("securityContext", {})
    capabilities = own.get("capabilities", {})
    dropped = capabilities.get("drop") == ["ALL"] and not capabilities.get("add")
    return (
        dropped
        and own.get("allowPrivilegeEscalation") is False
        and not own.get("privileged")
        and own.get("runAsUser") != 0
    )


def _is_read_only(spec: Node) -> bool:
    return all(one.get("securityContext", {}).get("readOnlyRootFilesystem") is True for one in containers(spec))


def _has_no_token(spec: Node) -> bool:
    return spec.get("automountServiceAccountToken") is False


def _is_bounded(spec: Node) -> bool:
    def bounded(container: Node) -> bool:
        wanted, most = (container.get("resources", {}).get(name, {}) for name in ("requests", "limits"))
        return {"cpu", "memory"} <= set(wanted) & set(most) and wanted["memory"] == most["memory"]

    sized = all("sizeLimit" in (volume["emptyDir"] or {}) for volume in spec.get("volumes", ()) if "emptyDir" in volume)
    return sized and all(map(bounded, containers(spec)))


def _has_a_version(spec: Node) -> bool:
    def versioned(image: str) -> bool:
        name, _, tag = image.rpartition("/")[2].partition(":")
        return "@sha256:" in image or bool(name and tag and tag != "latest")

    return all(versioned(str(one["image"])) for one in containers(spec))


def _reads_secrets_from_files(spec: Node) -> bool:
    variables = [variable for one in containers(spec) for variable in one.get("env", ())]
    sources = [source for one in containers(spec) for source in one.get("envFrom", ())]
    return not any("secretKeyRef" in one.get("valueFrom", {}) for one in variables) and not any(
        "secretRef" in source for source in sources
    )


def _is_told_of_no_services(spec: Node) -> bool:
    return spec.get("enableServiceLinks") is False


def _pods(holds: Callable[[Node], bool]) -> Callable[[Iterable[Manifest]], Iterator[str]]:
    return lambda manifests: (name_of(one) for one in manifests if one["kind"] in WORKLOADS and not holds(spec_of(one)))


POLICIES = {
    "Pod Security restricted": _pods(_is_restricted),
    "the root file system is read-only": _pods(_is_read_only),
    "no service account's token": _pods(_has_no_token),
    "requests and limits, the same memory in both, sized scratch space": _pods(_is_bounded),
    "the image has a version, and not latest": _pods(_has_a_version),
    "secrets are files": _pods(_reads_secrets_from_files),
    "no variables about services": _pods(_is_told_of_no_services),
}
