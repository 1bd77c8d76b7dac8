"""What may reach what: closed by default, every rule says who, and nothing leads back to the equipment."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from deploy.k8s.policy.pods import WORKLOADS
from deploy.k8s.render import Manifest, name_of

Node = Mapping[str, Any]
OURS = {"worker", "gateway", "migrate"}
# The only conduits that leave the cluster: operators' pods to the API, the database to its backups.
OUTWARDS = "site-control-plane-"


def _policies(manifests: Iterable[Manifest]) -> Iterator[Manifest]:
    return (one for one in manifests if one["kind"] == "NetworkPolicy")


def _closed(manifests: Iterable[Manifest]) -> Iterator[str]:
    everything = list(manifests)
    closed = any(
        policy["spec"]["podSelector"] == {}
        and set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
        and not {"ingress", "egress"} & set(policy["spec"])
        for policy in _policies(everything)
    )
    if not closed:
        yield from (name_of(one) for one in everything if one["kind"] == "Namespace")


def _names_everybody(manifests: Iterable[Manifest]) -> Iterator[str]:
    """A rule without peers or ports, or a peer that is everybody, opens more than it says."""
    for policy in _policies(manifests):
        rules = [("from", rule) for rule in policy["spec"].get("ingress", ())]
        rules += [("to", rule) for rule in policy["spec"].get("egress", ())]
        if not all(rule.get("ports") and _is_said(rule.get(side)) for side, rule in rules):
            yield name_of(policy)


def _is_said(peers: list[Node] | None) -> bool:
    return bool(peers) and all(any(selector for selector in peer.values()) for peer in peers or ())


def _goes_nowhere(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Addresses outside the cluster are single ones, and of the operators' pods alone."""
    for policy in _policies(manifests):
        outside = [
            peer["ipBlock"]["cidr"]
            for rule in policy["spec"].get("egress", ())
            for peer in rule.get("to", ())
            if "ipBlock" in peer
        ]
        single = all(ip_network(cidr).num_addresses == 1 for cidr in outside)
        if outside and not (single and _is_of_operators(policy)):
            yield name_of(policy)


def _is_of_operators(policy: Manifest) -> bool:
    chosen = policy["spec"]["podSelector"].get("matchLabels", {})
    return policy["metadata"]["name"].startswith(OUTWARDS) and bool(
        {"strimzi.io/cluster", "cnpg.io/cluster"} & set(chosen)
    )


def _ours_stay_inside(manifests: Iterable[Manifest]) -> Iterator[str]:
    """A policy that chooses our pods, or all, lets them speak to pods of this system and to the names' server only."""
    for policy in _policies(manifests):
        chosen = policy["spec"]["podSelector"].get("matchLabels", {})
        if chosen and chosen.get("app.kubernetes.io/name") not in OURS:
            continue
        peers = [peer for rule in policy["spec"].get("egress", ()) for peer in rule.get("to", ())]
        if not all(map(_is_inner, peers)):
            yield name_of(policy)


def _is_inner(peer: Node) -> bool:
    chosen = set(peer.get("podSelector", {}).get("matchLabels", {}))
    if "namespaceSelector" in peer:
        return chosen == {"k8s-app"}
    return bool(chosen & {"strimzi.io/cluster", "cnpg.io/cluster"})


def _published(manifests: Iterable[Manifest]) -> Iterator[str]:
    for one in manifests:
        if one["kind"] == "Ingress" or (
            one["kind"] == "Service" and one["spec"].get("type", "ClusterIP") != "ClusterIP"
        ):
            yield name_of(one)


def _chosen(manifests: Iterable[Manifest]) -> Iterator[str]:
    """Default-deny alone would leave a workload mute; each has a policy of its own."""
    everything = list(manifests)
    named = {
        policy["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name")
        for policy in _policies(everything)
    }
    for one in everything:
        if one["kind"] in WORKLOADS and one["metadata"]["labels"].get("app.kubernetes.io/name") not in named:
            yield name_of(one)


POLICIES = {
    "the namespace is closed in both directions by default": _closed,
    "every rule of the network says who and which port": _names_everybody,
    "only operators' pods leave the cluster, to single addresses": _goes_nowhere,
    "our pods speak to Kafka and the database alone": _ours_stay_inside,
    "nothing is published outside the cluster": _published,
    "every workload has conduits of its own": _chosen,
}
