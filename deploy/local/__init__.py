"""The native local stack: Apache Kafka, TimescaleDB, Prometheus and Alertmanager without a container engine.

Everything it makes lies under one home folder, listens on loopback only and is stopped by the
process it started. `Stack` is the way in, for the command line and for tests.
"""

from deploy.local.part import Stop
from deploy.local.stack import PARTS, Stack
from deploy.local.status import StackStatus

__all__ = ["PARTS", "Stack", "StackStatus", "Stop"]
