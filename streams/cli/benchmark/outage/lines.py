"""The simulated port as lines that a gateway reads, written beforehand, each with the moment it is due."""

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from connectors.simulator import SimRecord, Simulation
from streams.cli.benchmark.outage.plan import Plan

Stream = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Lines:
    """A file of events, when each is due (seconds after the first), and what the database must show of them."""

    file: Path
    due_s: "array[float]"
    truth: Path


def write_lines(plan: Plan, begin: datetime, folder: Path) -> Lines:
    """The whole run, ahead of it. Numbers of a stream grow from line to line, so order can be judged by them."""
    simulation = Simulation(plan.simulation(begin))
    due_s, highest = array("d"), dict[Stream, int]()
    file, truth = folder / "port.jsonl", folder / "truth.json"
    with file.open("wb") as lines:
        for record in _records(simulation):
            event = event_of(record)
            _check_order(event, highest)
            lines.write(msgspec.json.encode(event) + b"\n")
            late = (record.time - begin).total_seconds() if plan.is_live else len(due_s) / plan.per_s
            due_s.append(late)
    truth.write_text(json.dumps(simulation.truth()), encoding="utf-8")
    return Lines(file, due_s, truth)


def event_of(record: SimRecord) -> dict[str, Any]:
    """The CloudEvent of a record of either mode."""
    assert record.value is not None  # noqa: S101  (the port is simulated without faults)
    content: dict[str, Any] = msgspec.json.decode(record.value)
    attributes = {name[3:]: value.decode() for name, value in record.headers if name.startswith("ce_")}
    return {**attributes, "data": content} if attributes else content


def _records(simulation: Simulation) -> Iterator[SimRecord]:
    return iter(simulation.records())


def _check_order(event: dict[str, Any], highest: dict[Stream, int]) -> None:
    if "sequence" not in event:
        return
    stream = (event["source"], event["bootid"], event["subject"], event["type"])
    number = int(event["sequence"])
    assert number > highest.get(stream, -1), f"{stream} goes back to {number}"  # noqa: S101
    highest[stream] = number
