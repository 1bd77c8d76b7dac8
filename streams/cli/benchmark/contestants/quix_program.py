"""Quix Streams as its documentation shows it: JSON topic, a dataframe, the PostgreSQL sink.

Runs in an environment of its own, so it imports nothing of ours. After each write it says, as the benchmark's
programs do, [monotonic seconds, [[partition, next offset], …]].
"""

import json
import sys
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from quixstreams import Application  # type: ignore[import-not-found]
from quixstreams.sinks.community.postgresql import PostgreSQLSink  # type: ignore[import-not-found]

COMMIT_EVERY = 10_000
COMMIT_S = 0.1
COLUMNS = (
    *("crane_id", "source", "event_id", "bootid", "sequence"),
    *("hoist_position_m", "hoist_speed_mps", "load_t", "wind_mps", "power_kw"),
)


class TellingSink(PostgreSQLSink):  # type: ignore[misc]
    """The sink, and a line after each of its transactions."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._heads: dict[int, int] = {}

    def write(self, batch: Any) -> None:
        """Write a partition's batch, then say how far it is."""
        super().write(batch)
        *_, last = batch
        self._heads[batch.partition] = last.offset + 1
        print(json.dumps([time.monotonic(), sorted(self._heads.items())]), flush=True)

    def _insert_rows(self, table_name: str, rows: list[dict[str, Any]], pks: Any = None) -> None:
        # The sink takes the columns from the first row, without those that are null there: it would lose the others'.
        if rows:
            rows[0] = {**dict.fromkeys(COLUMNS), **rows[0]}
        super()._insert_rows(table_name, rows, pks)


def main() -> None:
    """The program."""
    task = json.load(sys.stdin)
    app = Application(
        broker_address=task["brokers"],
        consumer_group=task["group"],
        auto_offset_reset="earliest",
        commit_every=COMMIT_EVERY,
        commit_interval=COMMIT_S,
        consumer_poll_timeout=COMMIT_S,
        state_dir=task["state"],
        auto_create_topics=False,
        loglevel="WARNING",
    )
    frame = app.dataframe(app.topic(task["topic"], value_deserializer="json", key_deserializer="str"))
    frame = frame.set_timestamp(event_time_ms).apply(row)
    frame.sink(_sink(task))
    app.run()


def event_time_ms(value: dict[str, Any], *_: object) -> int:
    """When it happened, instead of when Kafka got it."""
    return round(datetime.fromisoformat(value["time"]).timestamp() * 1_000)


def row(value: dict[str, Any]) -> dict[str, Any]:
    """The event, flat."""
    names = {"crane_id": value["subject"], "source": value["source"], "event_id": value["id"]}
    return {**names, "bootid": value.get("bootid"), "sequence": value.get("sequence"), **value["data"]}


def _sink(task: dict[str, Any]) -> TellingSink:
    place = urlsplit(task["dsn"])
    return TellingSink(
        host=place.hostname,
        port=place.port,
        dbname=place.path.lstrip("/"),
        user=place.username,
        password=place.password,
        schema_name=task["schema"],
        table_name=task["table"],
        schema_auto_update=False,
    )


if __name__ == "__main__":
    main()
