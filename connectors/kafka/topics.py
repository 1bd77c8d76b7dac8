"""What the brokers have compared with what is declared in schemas/topics, and the changes that close the gap.

`TopicAdmin` talks to the brokers, `compare` is pure. Nothing here decides to alter: the caller does.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    BrokerResponseError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from connectors.kafka.knocking import refusal
from connectors.kafka.options import KafkaAccess, client_options
from schemas.errors import ConfigurationError, ServiceUnreachableError
from schemas.topics import Topic

ANSWER_S: Final = 15.0
# DescribeConfigs' source of a value that was set on the topic itself, not inherited from the broker.
_SET_ON_TOPIC: Final = 1


@dataclass(frozen=True, slots=True)
class FoundTopic:
    """A topic as the brokers have it: `config` is what holds, `own` the names of what was set on the topic itself."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]
    own: frozenset[str]


@dataclass(frozen=True, slots=True)
class Cluster:
    """How many brokers there are, and the topics asked for that exist."""

    brokers: int
    topics: Mapping[str, FoundTopic]


class Mend(StrEnum):
    """How a difference can be mended: by setting a value, by adding partitions, or not from here."""

    SETTING = "setting"
    PARTITIONS = "partitions"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about an existing topic that is not as declared."""

    topic: str
    setting: str
    declared: str
    found: str
    mend: Mend


@dataclass(frozen=True, slots=True)
class Plan:
    """What is missing (to be created) and what differs (to be shown, and altered only when asked)."""

    missing: tuple[Topic, ...]
    differences: tuple[Difference, ...]


def compare(declared: Iterable[Topic], cluster: Cluster) -> Plan:
    """The gap between the declarations and the cluster."""
    topics = tuple(declared)
    missing = tuple(topic for topic in topics if topic.name not in cluster.topics)
    differences = tuple(
        difference
        for topic in topics
        if topic.name in cluster.topics
        for difference in _differences(topic, cluster.topics[topic.name], cluster.brokers)
    )
    return Plan(missing, differences)


def replication_of(topic: Topic, brokers: int) -> int:
    """The copies a topic can have: as declared, or as many as there are brokers."""
    return min(topic.replication, brokers)


def _differences(topic: Topic, found: FoundTopic, brokers: int) -> Iterator[Difference]:
    if found.partitions != topic.partitions:
        more = found.partitions < topic.partitions
        mend = Mend.PARTITIONS if more else Mend.NONE
        yield Difference(topic.name, "partitions", str(topic.partitions), str(found.partitions), mend)
    # Copies on brokers that are away still count: only too few, or more than ever wished, is a difference.
    if not replication_of(topic, brokers) <= found.replication <= topic.replication:
        wanted = str(replication_of(topic, brokers))
        yield Difference(topic.name, "replication", wanted, str(found.replication), Mend.NONE)
    for name, value in topic.config.items():
        if found.config.get(name) != value:
            yield Difference(topic.name, name, value, found.config.get(name, "not known"), Mend.SETTING)


class TopicAdmin:
    """Reads and changes topics. Open it with `topic_admin`."""

    def __init__(self, client: AIOKafkaAdminClient) -> None:
        self._client = client

    async def read(self, names: Sequence[str]) -> Cluster:
        """The cluster, and those of the named topics that exist."""
        described = await self._client.describe_cluster()
        found = await self._described(names)
        configs = await self._configs([topic["topic"] for topic in found])
        topics = {topic["topic"]: _found(topic, configs[topic["topic"]]) for topic in found}
        return Cluster(len(described["brokers"]), topics)

    async def existing(self, names: Sequence[str]) -> list[str]:
        """Those of the named topics that exist; needs no right but to describe them."""
        return [topic["topic"] for topic in await self._described(names)]

    async def _described(self, names: Sequence[str]) -> list[dict[str, Any]]:
        described = await self._client.describe_topics(list(names))
        hidden = [
            topic["topic"] for topic in described if for_code(topic["error_code"]) is TopicAuthorizationFailedError
        ]
        if hidden:
            raise ConfigurationError(
                f"the brokers do not let us see {', '.join(hidden)}: grant Describe to this principal"
            )
        return [topic for topic in described if topic["error_code"] == 0]

    async def create(self, topics: Iterable[Topic], brokers: int) -> None:
        """Create the topics; one that appeared meanwhile is left as it is. Raises ConfigurationError if refused."""
        new = [
            NewTopic(topic.name, topic.partitions, replication_of(topic, brokers), topic_configs=dict(topic.config))
            for topic in topics
        ]
        response = await self._client.create_topics(new, timeout_ms=int(ANSWER_S * 1000))
        for name, code, message in response.topic_errors:
            if code and for_code(code) is not TopicAlreadyExistsError:
                raise ConfigurationError(f"the broker refused to create topic {name}: {message}")
        await self._await([topic.name for topic in new])

    async def _await(self, names: Sequence[str]) -> None:
        """Until the topics have come round, so that whoever runs next finds them; not a moment more than needed."""
        deadline = asyncio.get_running_loop().time() + ANSWER_S
        while any(topic["error_code"] for topic in await self._client.describe_topics(list(names))):
            if asyncio.get_running_loop().time() > deadline:
                raise ServiceUnreachableError(f"the topics {', '.join(names)} were created but do not show: try again")
            await asyncio.sleep(0.1)

    async def set_values(self, differences: Iterable[Difference], cluster: Cluster) -> None:
        """Set the values that differ. Raises ConfigurationError if refused."""
        wanted: dict[str, dict[str, str]] = {}
        for difference in differences:
            if difference.mend is Mend.SETTING:
                wanted.setdefault(difference.topic, _own(cluster.topics[difference.topic]))
                wanted[difference.topic][difference.setting] = difference.declared
        if not wanted:
            return
        # The request replaces everything set on the topic, so what we do not declare travels along.
        resources = [ConfigResource(ConfigResourceType.TOPIC, name, configs) for name, configs in wanted.items()]
        for response in await self._client.alter_configs(resources):
            for code, message, _, name in response.resources:
                if code:
                    raise ConfigurationError(f"the broker refused to alter topic {name}: {message}")

    async def names(self, prefix: str) -> list[str]:
        """The topics whose names begin so."""
        return sorted(name for name in await self._client.list_topics() if name.startswith(prefix))

    async def delete(self, names: Sequence[str]) -> None:
        """Delete topics, with all that is in them. Raises ConfigurationError if refused."""
        response = await self._client.delete_topics(list(names), timeout_ms=int(ANSWER_S * 1000))
        for name, code in response.topic_error_codes:
            if code:
                raise ConfigurationError(f"the broker refused to delete topic {name}: {for_code(code).__name__}")

    async def add_partitions(self, difference: Difference) -> None:
        """Bring a topic to its declared number of partitions. The caller knows that it is drained."""
        wanted = {difference.topic: NewPartitions(total_count=int(difference.declared))}
        await self._client.create_partitions(wanted, timeout_ms=int(ANSWER_S * 1000))

    async def _configs(self, names: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
        if not names:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        (response,) = await self._client.describe_configs(resources)
        for code, message, _, name, _ in response.resources:
            if code:
                raise ConfigurationError(f"the broker does not show the settings of topic {name}: {message}")
        return {name: entries for _, _, _, name, entries in response.resources}


@asynccontextmanager
async def topic_admin(access: KafkaAccess) -> AsyncIterator[TopicAdmin]:
    """A connected `TopicAdmin`; raises ServiceUnreachableError when no broker answers in `ANSWER_S` seconds."""
    client = AIOKafkaAdminClient(
        **client_options(access), client_id="quaystream-topics", request_timeout_ms=int(ANSWER_S * 1000)
    )
    try:
        await asyncio.wait_for(client.start(), ANSWER_S)
        yield TopicAdmin(client)
    except BrokerResponseError as error:
        raise ConfigurationError(f"the brokers at {access.brokers} refuse the request: {error}") from error
    except (KafkaError, TimeoutError) as error:
        raise await refusal(access) from error
    finally:
        await client.close()


def _found(topic: Mapping[str, Any], entries: Iterable[tuple[Any, ...]]) -> FoundTopic:
    values = {name: (value, source) for name, value, _, source, *_ in entries}
    return FoundTopic(
        name=topic["topic"],
        partitions=len(topic["partitions"]),
        replication=min(len(partition["replicas"]) for partition in topic["partitions"]),
        config={name: value for name, (value, _) in values.items()},
        own=frozenset(name for name, (_, source) in values.items() if source == _SET_ON_TOPIC),
    )


def _own(found: FoundTopic) -> dict[str, str]:
    return {name: found.config[name] for name in found.own}
