"""A scenario played, and its records run through the worker's pure pipeline: what a store would hold, without one."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pyarrow as pa

from connectors.simulator import Simulation, SimulationOptions, parse_faults
from connectors.simulator.moments import to_ms
from connectors.simulator.scenarios import duration_of
from streams.core.domain import Domain, Limits
from streams.core.record import Stretch, TopicPartition
from streams.core.sequence import StreamKey, StreamState
from streams.core.writes import Probe, Writes
from streams.domains import DOMAINS
from streams.pipeline import Fence, Pipeline
from tests.support.records import Sent

_BATCH = 997
Row = dict[str, Any]


@dataclass
class Played:
    """The rows a scenario leaves, by table, and its truth."""

    truth: dict[str, Any]
    accepted: int = 0
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    _streams: dict[StreamKey, StreamState] = field(default_factory=dict)
    _found: set[Probe] = field(default_factory=set)

    @property
    def newest(self) -> datetime:
        return max(row["time"] for rows in self.rows.values() for row in rows)

    def by_key(self, column: str, *tables: str) -> Iterator[tuple[str, dict[str, list[Row]]]]:
        """Rows of `tables` by `<site>/<value of column>`."""
        found: dict[str, dict[str, list[Row]]] = defaultdict(lambda: {table: [] for table in tables})
        for table in tables:
            for row in self.rows[table]:
                found[f"{row['site']}/{row[column]}"][table].append(row)
        yield from sorted(found.items())

    def process(self, domain: Domain, records: list[Sent]) -> None:
        pipeline, tp = Pipeline(domain, Limits()), TopicPartition(domain.topic, 0)
        for start in range(0, len(records), _BATCH):
            batch = pipeline.read([Stretch(tp, start, records[start : start + _BATCH])], {})
            states = {key: self._streams.get(key, StreamState()) for key in pipeline.streams(batch)}
            plan = pipeline.plan(batch, states, {tp: Fence(start, 1)})
            self._keep(plan.writes(self._found.intersection(plan.probes)))

    def _keep(self, writes: Writes) -> None:
        self._streams |= {change.key: change.after for change in writes.streams}
        for table, rows in writes.rows.items():
            times = rows["time"].cast(pa.int64())
            columns = (rows.column(1), times, rows["source"], rows["event_id"])
            self._found |= {Probe(table, *row) for row in zip(*(c.to_pylist() for c in columns), strict=True)}
            self.rows[table] += rows.to_pylist()


@cache
def played(name: str, faults: str = "none", duration: timedelta | None = None) -> Played:
    """Scenario `name`, whole unless a duration is given, with its rows."""
    span = duration or duration_of(name)
    options = SimulationOptions(seed=5, duration=span, faults=parse_faults(faults), scenario=name)
    simulation = Simulation(options)
    appended_ms = to_ms(options.start + span)
    by_topic: dict[str, list[Sent]] = defaultdict(list)
    for record in simulation.records():
        topic = by_topic[record.topic]
        topic.append(Sent(len(topic), record.value, record.key, tuple(record.headers), appended_ms))
    found = Played(simulation.truth())
    for domain in DOMAINS:
        found.process(domain, by_topic[domain.topic])
    return found
