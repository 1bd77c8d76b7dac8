"""One test's whole system: a broker with empty topics, a database of its own, workers, and the command."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.broker import Broker, Placed
from tests.support.databases import Database
from tests.support.events import Message
from tests.support.waiting import wait_until
from tests.support.worker import COMMAND, Workers, with_settings

_REASONS = "SELECT topic, partition, record_offset, reason FROM ingest.dead_letter ORDER BY 1, 2, 3"


@dataclass(frozen=True)
class System:
    """What a test works with. `environment` holds the settings of its workers and commands."""

    broker: Broker
    database: Database
    workers: Workers
    environment: Mapping[str, str]

    @property
    def group(self) -> str:
        return self.environment["QUAYSTREAM_GROUP"]

    def command(self, *arguments: str, **settings: object) -> "subprocess.CompletedProcess[str]":
        """Run a `quaystream` command to its end."""
        return subprocess.run(
            [*COMMAND, *arguments],
            env=with_settings(self.environment, settings),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def send(self, *messages: Message, **options: Any) -> list[Placed]:
        """Send messages and wait until the broker has them; where each one is."""
        return self.broker.send(messages, **options)

    def verified(self, *arguments: str) -> "Ledger":
        """The ledger, once the worker has caught up; fails where it does not add up."""
        done = self.command("verify", "--wait", "180s", "--json", *arguments)
        assert done.stdout, done.stderr
        answer = json.loads(done.stdout)
        assert answer["ok"], answer["differences"]
        assert not answer["notes"], answer["notes"]
        assert done.returncode == 0, done.stderr
        return Ledger(answer["partitions"])

    def await_outcomes(self, records: int, within_s: float = 30.0) -> None:
        """Until that many records have an outcome, `missing` ones included."""
        wait_until(lambda: self.outcomes() >= records, within_s, f"{records} records have an outcome")

    def outcomes(self) -> int:
        """Records with an outcome."""
        query = "SELECT coalesce(sum(next_offset - first_offset), 0) FROM ingest.partition_offset"
        return int(self.database.value(query))

    def reasons(self) -> dict[Placed, list[str]]:
        """The reasons of the dead letters of each refused record."""
        found: dict[Placed, list[str]] = {}
        for topic, partition, offset, reason in self.database.rows(_REASONS):
            found.setdefault(Placed(topic, partition, offset), []).append(reason)
        return found


@dataclass(frozen=True)
class Ledger:
    """What `quaystream verify --json` found, partition by partition."""

    partitions: Iterable[Mapping[str, Any]]

    def total(self, outcome: str, topic: str | None = None) -> int:
        """Records with an outcome (`accepted`, `duplicate`, `rejected`, `missing`), in one topic or all."""
        return sum(line[outcome] for line in self.partitions if topic in (None, line["topic"]))
