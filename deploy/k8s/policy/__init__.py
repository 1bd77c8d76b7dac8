"""What a deployment must be, whatever its overlay: `python -m deploy.k8s.policy OVERLAY…` checks rendered manifests.

A policy takes all manifests and names those that break it. Each has an example that it refuses in tests/deploy.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from deploy.k8s.policy import cluster, data, network, pods
from deploy.k8s.render import Manifest

Policy = Callable[[Iterable[Manifest]], Iterator[str]]
POLICIES: Mapping[str, Policy] = {**pods.POLICIES, **network.POLICIES, **data.POLICIES, **cluster.POLICIES}


def violations(manifests: Iterable[Manifest]) -> list[str]:
    """`Kind/name: not so: policy`, for every manifest and policy that do not go together."""
    everything = list(manifests)
    return [f"{name}: not so: {policy}" for policy, broken in POLICIES.items() for name in broken(everything)]
