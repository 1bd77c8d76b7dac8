"""Who may do what on a secured stack: every cell of docs/security.md asked of the real broker and database.

The tables are written by hand, from the policy; nothing here reads deploy/principals.yaml or the migrations.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from deploy.local.certificates import Authority
from tests.support.secured import Clients, Secured
from tests.support.waiting import wait_until

ANSWER_S = 20.0
REFUSALS = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    # What a client says that wants to change a topic which it may not even see.
    KafkaError._NOENT,
}

# `stranger` has a certificate of our authority and a name that nobody gave a right. + may, - may not.
BROKERS = """
                            gateway-01  gateway-02  worker  operator  viewer  stranger
write crane-events              +           -         -        +        -        -
write gate-events               -           +         -        +        -        -
write crane-events-dead-letters -           -         +        +        -        -
read crane-events               -           -         +        +        -        -
read crane-events-backfill      -           -         +        +        -        -
read crane-events-dead-letters  -           -         -        +        -        -
see crane-events                +           -         +        +        +        -
see gate-events                 -           +         +        +        +        -
see settings                    -           -         -        +        +        -
commit as quaystream            -           -         +        +        -        -
commit as another               -           -         -        -        -        -
create a topic                  -           -         -        -        -        -
create vessel-events            -           -         -        +        -        -
alter a setting                 -           -         -        +        -        -
delete records                  -           -         -        +        -        -
see rights                      -           -         -        -        -        -
give rights                     -           -         -        -        -        -
"""
DATABASE = """
                            owner   worker  reader
make a table                  +       -       -
drop a table                  +       -       -
add a raw row                 +       +       -
change a raw row              +       -       -
remove a raw row              +       -       -
read a raw row                +       +       +
read a plate                  +       -       -
move an offset                +       +       -
read the ledger               +       +       +
read a dead letter            +       +       -
give rights                   +       -       -
make a role                   +       -       -
make a superuser              -       -       -
read the server's files       -       -       -
"""


def cells(table: str) -> Iterator[Any]:
    """(who, what, whether he may) of every cell."""
    first, *lines = table.strip("\n").splitlines()
    names = first.split()
    for line in lines:
        words = line.split()
        what, signs = " ".join(words[: -len(names)]), words[-len(names) :]
        for name, sign in zip(names, signs, strict=True):
            assert sign in "+-"
            yield pytest.param(name, what, sign == "+", id=f"{name} {what}".replace(" ", "_"))


@pytest.fixture(scope="module")
def clients(secured: Secured, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Clients]:
    """The clients of a principal."""
    secured.broker.delete("vessel-events")
    (newest,) = (
        Authority(file.parent, file.name.removesuffix("-ca.pem")) for file in secured.keyring.folder.glob("*-ca.pem")
    )
    stranger = newest.signed("stranger")

    @cache
    def of(principal: str) -> Clients:
        return Clients(secured.shown(stranger) if principal == "stranger" else secured.options(principal))

    return of


def done(futures: Mapping[Any, Any]) -> None:
    for future in futures.values():
        future.result(ANSWER_S)


def write(topic: str) -> Callable[[Clients], None]:
    def attempt(clients: Clients) -> None:
        failures: list[Any] = []
        clients.producer.produce(topic, b"{}", on_delivery=lambda error, _: failures.append(error))
        clients.producer.flush(ANSWER_S)
        assert len(failures) == 1, "the record was neither taken nor refused in time"
        if failures[0] is not None:
            raise KafkaException(failures[0])

    return attempt


def read(topic: str) -> Callable[[Clients], None]:
    def attempt(clients: Clients) -> None:
        consumer = clients.consumer()
        consumer.assign([TopicPartition(topic, 0, 0)])
        try:
            record = wait_until(lambda: consumer.poll(1.0), ANSWER_S, f"a record of {topic}, its end, or an error")
        finally:
            consumer.close()
        if record.error() is not None and record.error().code() != KafkaError._PARTITION_EOF:
            raise KafkaException(record.error())

    return attempt


def see(topic: str) -> Callable[[Clients], None]:
    return lambda clients: done(clients.admin.describe_topics(TopicCollection([topic])))


def commit(group: str) -> Callable[[Clients], None]:
    offsets = ConsumerGroupTopicPartitions(group, [TopicPartition("crane-events", 0, 1)])

    def attempt(clients: Clients) -> None:
        for future in clients.admin.alter_consumer_group_offsets([offsets]).values():
            for place in future.result(ANSWER_S).topic_partitions:
                if place.error is not None:
                    raise KafkaException(place.error)

    return attempt


def see_settings(clients: Clients) -> None:
    done(clients.admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, "crane-events")]))


def alter_setting(clients: Clients) -> None:
    entry = ConfigEntry("retention.ms", "604800000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, "cargo-events", incremental_configs=[entry])
    done(clients.admin.incremental_alter_configs([resource]))


def delete_records(clients: Clients) -> None:
    done(clients.admin.delete_records([TopicPartition("cargo-events-dead-letters", 0, 0)]))


ANYTHING = (ResourceType.ANY, None, ResourcePatternType.ANY, None, None)
RIGHT = (ResourceType.TOPIC, "crane-events", ResourcePatternType.LITERAL, "User:stranger", "*")


def see_rights(clients: Clients) -> bool:
    """The client swallows the broker's refusal and shows none."""
    every = AclBindingFilter(*ANYTHING, AclOperation.ANY, AclPermissionType.ANY)
    return bool(clients.admin.describe_acls(every).result(ANSWER_S))


def give_rights(clients: Clients) -> None:
    done(clients.admin.create_acls([AclBinding(*RIGHT, AclOperation.READ, AclPermissionType.ALLOW)]))


BROKER_ACTIONS: Mapping[str, Callable[[Clients], bool | None]] = {
    **{f"write {topic}": write(topic) for topic in ("crane-events", "gate-events", "crane-events-dead-letters")},
    **{
        f"read {topic}": read(topic) for topic in ("crane-events", "crane-events-backfill", "crane-events-dead-letters")
    },
    **{f"see {topic}": see(topic) for topic in ("crane-events", "gate-events")},
    "see settings": see_settings,
    "commit as quaystream": commit("quaystream"),
    "commit as another": commit("another"),
    "create a topic": lambda clients: done(clients.admin.create_topics([NewTopic("mine", 1, 1)])),
    "create vessel-events": lambda clients: done(clients.admin.create_topics([NewTopic("vessel-events", 2, 1)])),
    "alter a setting": alter_setting,
    "delete records": delete_records,
    "see rights": see_rights,
    "give rights": give_rights,
}


@pytest.mark.parametrize(("principal", "action", "may"), list(cells(BROKERS)))
def test_at_the_brokers(clients: Callable[[str], Clients], principal: str, action: str, may: bool) -> None:
    assert was_let(lambda: BROKER_ACTIONS[action](clients(principal))) is may


def was_let(attempt: Callable[[], bool | None]) -> bool:
    """Whether it worked; anything but a missing right is a failure of the test."""
    try:
        return attempt() is not False
    except KafkaException as error:
        if error.args[0].code() not in REFUSALS:
            raise
        return False


RAW_ROW = """
INSERT INTO port.crane_sample (time, crane_id, site, source, event_id, partition, record_offset)
VALUES (now(), 'VNHPH-TANVU-STS01', 'VNHPH-TANVU', '/x', gen_random_uuid()::text, 0, 0)
"""
OFFSET = """
INSERT INTO ingest.partition_offset (consumer_group, topic, partition, first_offset, next_offset, epoch)
VALUES ('x', 'x', 0, 0, 0, 1)
"""
# Of a right that one cannot give PostgreSQL only warns.
GRANT = """
DO $$ BEGIN
  GRANT DELETE ON port.crane_sample TO quaystream_reader;
  IF NOT has_table_privilege('quaystream_reader', 'port.crane_sample', 'DELETE') THEN
    RAISE insufficient_privilege;
  END IF;
END $$
"""
DATABASE_ACTIONS = {
    "make a table": "CREATE TABLE port.mine (x int)",
    "drop a table": "DROP TABLE port.crane_sample CASCADE",
    "add a raw row": RAW_ROW,
    "change a raw row": "UPDATE port.crane_sample SET load_t = 0",
    "remove a raw row": "DELETE FROM port.crane_sample",
    "read a raw row": "SELECT load_t FROM port.crane_sample LIMIT 1",
    "read a plate": "SELECT truck_plate FROM port.gate_step LIMIT 1",
    "move an offset": OFFSET,
    "read the ledger": "SELECT next_offset FROM ingest.partition_offset LIMIT 1",
    "read a dead letter": "SELECT payload FROM ingest.dead_letter LIMIT 1",
    "give rights": GRANT,
    "make a role": "CREATE ROLE mine",
    "make a superuser": "CREATE ROLE mine SUPERUSER",
    "read the server's files": "SELECT pg_read_file('/etc/passwd')",
}


@pytest.mark.parametrize(("role", "action", "may"), list(cells(DATABASE)))
def test_in_the_database(secured: Secured, role: str, action: str, may: bool) -> None:
    status = secured.stack.status()
    url = str({"owner": status.database_url, "worker": status.worker_url, "reader": status.reader_url}[role])
    with psycopg.connect(url) as connection:
        assert could(connection, DATABASE_ACTIONS[action]) is may
        connection.rollback()


def could(connection: psycopg.Connection[Any], statement: str) -> bool:
    """Whether it worked; anything but a missing right, or the reader's that only reads, is a failure of the test."""
    try:
        connection.execute(statement.encode())
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
        return False
    return True


def test_the_table_has_enough_cells() -> None:
    assert len(list(cells(BROKERS))) + len(list(cells(DATABASE))) >= 40


def test_kafka_hears_nobody_in_the_clear(secured: Secured) -> None:
    for address in (secured.stack.status().brokers, secured.stack.status().brokers_mtls):
        clients = Clients({"bootstrap.servers": str(address), "log_level": "0"})
        with pytest.raises(KafkaException):
            clients.admin.list_topics(timeout=2)


def test_kafka_lets_in_nobody_without_a_name(secured: Secured) -> None:
    """TLS alone, at both listeners."""
    status = secured.stack.status()
    for address in (status.brokers, status.brokers_mtls):
        tls = {"bootstrap.servers": str(address), "security.protocol": "SSL", "ssl.ca.location": str(status.ca_file)}
        with pytest.raises(KafkaException):
            Clients({**tls, "log_level": "0"}).admin.list_topics(timeout=2)


def test_the_database_hears_nobody_in_the_clear(secured: Secured) -> None:
    url = urlsplit(str(secured.stack.status().worker_url))._replace(query="sslmode=disable").geturl()
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(url)


def test_the_database_asks_for_a_password_and_knows_no_other_database(secured: Secured) -> None:
    url = urlsplit(str(secured.stack.status().worker_url))
    wrong = url._replace(netloc=url.netloc.replace(str(url.password), "wrong")).geturl()
    for refused in (wrong, url._replace(path="/postgres").geturl()):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(refused)
