"""A site comes in on a secured stack: its gateways may write what its file says, prove who they are, and nothing else changes."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, Producer
from confluent_kafka.admin import AclBinding

from connectors.kafka.principals import _everything
from deploy.local.stack import Stack
from tests.support import onboarding
from tests.support.secured import Secured
from tests.support.worker import Workers

GATEWAY, GATE = "vnhph-port01-gw-01", "vnhph-port01-gw-02"
ANSWER_S = 20.0


def refusal(options: Mapping[str, str], topic: str) -> str | None:
    """Why this client may not write there; None when it may."""
    errors: list[KafkaError | None] = []
    producer = Producer({**options, "message.timeout.ms": "20000"})
    producer.produce(topic, b"not an event", on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(30) == 0
    (error,) = errors
    return None if error is None else str(error.name())


def rights(secured: Secured, name: str) -> set[AclBinding]:
    found: list[AclBinding] = secured.broker.admin.describe_acls(_everything(name)).result(ANSWER_S)
    return set(found)


@pytest.fixture
def operator(secured: Secured) -> dict[str, str]:
    return {**secured.environment("operator"), "QUAYSTREAM_GROUP": "quaystream"}


def test_gateways_are_let_in_to_their_topics_and_no_one_else_is_touched(
    secured: Secured, operator: dict[str, str], tmp_path: Path
) -> None:
    before = {name: rights(secured, name) for name in ("gateway-01", "worker", "operator")}
    file = onboarding.write(tmp_path, 1)
    done = onboarding.run(operator, file)
    assert done.code == 0, done.error
    secrets = [file.read_text().strip() for file in (secured.home.path / "secrets").iterdir()]
    assert not [secret for secret in secrets if len(secret) > 20 and secret in done.output]
    for name in (GATEWAY, GATE):
        for kind in (f"kafka-{name}", f"signing-{name}"):
            assert secured.home.secret_file(kind).stat().st_mode & 0o777 == 0o600

    gateway = secured.options(GATEWAY)
    assert [refusal(gateway, topic) for topic in ("crane-events", "cell-events")] == [None, None]
    assert refusal(gateway, "gate-events") == "TOPIC_AUTHORIZATION_FAILED"
    assert {name: rights(secured, name) for name in before} == before

    # Once more, and after the stack has brought its principals in order: nothing to do, the same password.
    password = secured.accounts.password(GATEWAY)
    assert "Nothing to do" in onboarding.run(operator, file).output
    Stack(secured.stack.home).up(("kafka",))
    assert "Nothing to do" in onboarding.run(operator, file).output
    assert secured.accounts.password(GATEWAY) == password

    # A worker that binds sources to keys takes what the gateways sign, and a test message shows it.
    workers = Workers(secured.environment("worker"), tmp_path)
    try:
        workers.start().await_ready(120)
        tried = onboarding.run(operator, "--check", file)
        assert tried.code == 0, tried.output + workers.logs()
    finally:
        workers.end()

    # Left out and asked away: the principal opens nothing any more.
    said = onboarding.document(1)
    left = onboarding.write(
        tmp_path,
        1,
        gateways=[one for one in said["gateways"] if not one["source"].endswith("gw-02")],
        assets=[one for one in said["assets"] if one["kind"] != "gate"],
    )
    assert onboarding.run(operator, left).code == 0
    assert rights(secured, GATE)
    assert onboarding.run(operator, "--prune", left).code == 0
    assert rights(secured, GATE) == set()
    assert rights(secured, GATEWAY)
    assert {name: rights(secured, name) for name in before} == before
