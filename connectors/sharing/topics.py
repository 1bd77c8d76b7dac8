"""The topics of contracts: one per contract and domain, kept as long as the contract says. Pure."""

from collections.abc import Iterable
from types import MappingProxyType

from schemas.share import Contract
from schemas.topics import TOPIC_BY_TYPE, Topic

PREFIX = "share-"
PARTITIONS = 3


def topics_of(contracts: Iterable[Contract]) -> tuple[Topic, ...]:
    """Every topic of these contracts, by name."""
    found = {
        contract.topic(dataset.event_type): _topic(contract, dataset.event_type)
        for contract in contracts
        for dataset in contract.datasets
        if dataset.event_type is not None
    }
    return tuple(found[name] for name in sorted(found))


def acl_of(contract: Contract) -> str:
    """How a broker that has authorization lets the agency in, and nobody else, with Kafka's own tool."""
    return (
        f"kafka-acls --add --allow-principal User:{contract.role} --operation Read "
        f"--topic {PREFIX}{contract.agency}- --resource-pattern-type prefixed "
        f"--group {PREFIX}{contract.agency}-"
    )


def _topic(contract: Contract, event_type: str) -> Topic:
    kept_ms = int(contract.retention.total_seconds() * 1000)
    return Topic(
        name=contract.topic(event_type),
        domain=TOPIC_BY_TYPE[event_type].domain,
        carries=f"what contract {contract.name} gives",
        owner=contract.agency,
        producers=("quaystream share run",),
        consumers=(contract.agency,),
        key="keyed subject",
        partitions=PARTITIONS,
        replication=3,
        retention=contract.retention,
        config=MappingProxyType(
            {
                "cleanup.policy": "delete",
                "message.timestamp.type": "CreateTime",
                "max.message.bytes": "4194304",
                "retention.ms": str(kept_ms),
            }
        ),
        types=(),
    )
