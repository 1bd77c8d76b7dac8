"""Whether Kafka lets a worker in: said once, forgotten when mended, and new files taken up when they open the door."""

from pathlib import Path

import pytest

from connectors.kafka.options import KafkaAccess, Sasl
from connectors.prometheus import Registry
from schemas import metrics
from schemas.errors import ConfigurationError, QuaystreamError, ServiceUnreachableError
from streams import doorkeeper
from streams.doorkeeper import Doorkeeper
from tests.unit.test_registry import samples

REFUSED = "Kafka does not accept our name and password"


class Door:
    """A doorkeeper, what the brokers answer it, and how often it was told of new files."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.password = folder / "password"
        self.password.write_text("one")
        (folder / "name").write_text("worker")
        access = KafkaAccess("k:9092", "scram", Sasl("SCRAM-SHA-512", folder / "name", self.password))
        self.registry = Registry(metrics.WORKER)
        self.answer: QuaystreamError | None = None
        self.missing: str | None = None
        self.changes = 0
        monkeypatch.setattr(doorkeeper, "knock", self._knock)
        self.keeper = Doorkeeper(access, self.registry, self._unadmitted)
        self.keeper.on_changed = self._changed

    async def _knock(self, _: KafkaAccess) -> None:
        if self.answer is not None:
            raise self.answer

    async def _unadmitted(self) -> str | None:
        return self.missing

    def _changed(self) -> None:
        self.changes += 1

    @property
    def refusals(self) -> float:
        return samples(self.registry.text())["quaystream_broker_refusals_total", frozenset()]


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    return Door(tmp_path, monkeypatch)


async def test_a_refusal_is_the_trouble_until_the_door_opens(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    door.answer = ConfigurationError(REFUSED)
    for _ in range(3):
        await door.keeper.look()
    assert door.keeper.trouble == REFUSED
    assert "".join(capsys.readouterr()).count(REFUSED) == 1
    assert door.refusals == 3
    door.answer = None
    await door.keeper.look()
    assert (door.keeper.trouble, door.changes) == (None, 0)


async def test_a_missing_right_is_a_trouble_too(door: Door) -> None:
    door.missing = "Kafka does not let us read topic crane-events"
    await door.keeper.look()
    assert door.keeper.trouble == door.missing


async def test_nobody_who_answers_is_no_answer(door: Door) -> None:
    door.answer = ConfigurationError(REFUSED)
    await door.keeper.look()
    door.answer = ServiceUnreachableError("away")
    await door.keeper.look()
    assert door.keeper.trouble == REFUSED


async def test_new_files_are_taken_up_once_and_only_when_they_open_the_door(door: Door) -> None:
    door.password.write_text("two")
    door.answer = ConfigurationError(REFUSED)
    await door.keeper.look()
    assert door.changes == 0
    door.answer = None
    for _ in range(2):
        await door.keeper.look()
    assert door.changes == 1
