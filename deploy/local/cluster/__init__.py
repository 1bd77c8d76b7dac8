"""Three brokers and a database with a synchronous standby, as local processes: what faults are tried on.

Beside the stack of `quaystream up`, which has one of each. Made for a run and removed after it.
"""

from deploy.local.cluster.cluster import Cluster, Plugs

__all__ = ["Cluster", "Plugs"]
