"""Samples of the network, whole and malformed, and what they become: records, then rows and dead letters."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from connectors.network.files import NetworkFile
from connectors.network.subjects import Subjects
from streams.core.domain import Limits
from streams.core.record import Stretch, TopicPartition
from streams.core.writes import Writes
from tests.support.judging import pipeline, written
from tests.support.records import Sent

DATA = Path(__file__).parents[1] / "data"
VES = sorted((DATA / "ves").glob("*.json"))
PM_FILES = sorted((DATA / "pm-xml").glob("*.xml"))
CELLS = TopicPartition("cell-events", 0)
# The samples are up to a quarter of a century old.
MEASURED = (
    *("cell_id", "time", "object", "managed_element", "vendor"),
    *("granularity_s", "suspect", "name", "labels", "value"),
)
ALARM = (
    *("cell_id", "time", "alarm_id", "condition", "severity"),
    *("interface", "specific_problem", "probable_cause", "extra"),
)
LIMITS = Limits(max_age=timedelta(days=36_500))


def form_of(path: Path) -> str:
    """The format of a sample, as the command names it."""
    return "ves" if path.suffix == ".json" else "pm-xml"


def become(path: Path, form: str | None = None) -> Writes:
    """What a file becomes, decoded and judged by the cell pipeline."""
    records = [
        Sent(offset, record.value, record.key, record.headers)
        for offset, record in enumerate(NetworkFile(path, form or form_of(path), Subjects())(None))
    ]
    return written([Stretch(CELLS, 0, records)], by=pipeline("cell", LIMITS)) if records else Writes("cell", ())


def become_of(events: list[dict[str, Any]]) -> Writes:
    """What events become that wait in a gateway's spool, judged as a worker judges them from Kafka."""
    records = [
        Sent(offset, json.dumps(event).encode(), event["subject"].encode(), ()) for offset, event in enumerate(events)
    ]
    return written([Stretch(CELLS, 0, records)], by=pipeline("cell", LIMITS)) if records else Writes("cell", ())


def golden_of(path: Path) -> dict[str, Any]:
    """The golden rows of a VES sample."""
    found: dict[str, Any] = json.loads((path.parent / "golden" / path.name).read_text(encoding="utf-8"))
    return found


def alarms_and_measurements(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows of events in a spool, as the golden files of VES samples have them."""
    writes = become_of(events)
    alarms = [
        {name: row[name] for name in ALARM if row[name] is not None} for row in rows_of(writes, "port.cell_alarm_event")
    ]
    return {"measurements": measurements(writes), "alarms": alarms}


def measurements(writes: Writes) -> list[dict[str, Any]]:
    """The rows of measured values, as the golden files have them."""
    rows = rows_of(writes, "port.cell_measurement")
    return [{name: row[name] or {} if name == "labels" else row[name] for name in MEASURED} for row in rows]


def rows_of(writes: Writes, table: str) -> list[dict[str, Any]]:
    """The rows of a table, without the identity of their events; JSON columns as values."""
    if table not in writes.rows:
        return []
    rows = writes.rows[table].to_pylist()
    for row in rows:
        row["time"] = row["time"].isoformat()
        for name in ("labels", "extra"):
            row[name] = json.loads(row[name]) if row.get(name) else None
    return rows


@dataclass(frozen=True)
class Malformed:
    """A sample with one fault: which, how, how many events are left, and the reason of its one dead letter."""

    sample: Path
    fault: str
    spoil: Callable[[bytes], bytes]
    accepted: int
    reason: str


def _replaced(before: str, after: str) -> Callable[[bytes], bytes]:
    def spoil(content: bytes) -> bytes:
        assert before.encode() in content, before
        return content.replace(before.encode(), after.encode(), 1)

    return spoil


def _cut(share: float) -> Callable[[bytes], bytes]:
    return lambda content: content[: int(len(content) * share)]


_V, _P = DATA / "ves", DATA / "pm-xml"
_DOCTYPE = '<!DOCTYPE a [<!ENTITY b "c">]><measCollecFile'
MALFORMED = (
    Malformed(_V / "faultNotification.json", "severity", _replaced('"CRITICAL"', '"TERRIBLE"'), 0, "invalid_data"),
    Malformed(_V / "faultNotification.json", "no-time", _replaced("1451772403000000", "14517"), 0, "invalid_data"),
    Malformed(_V / "measurement7x.json", "cut", _cut(0.5), 0, "undecodable"),
    Malformed(_V / "pmNotification.json", "interval", _replaced(":180,", ':"180",'), 0, "invalid_data"),
    Malformed(_V / "pm_report.json", "p", _replaced('"p": 4', '"p": 99'), 7, "invalid_data"),
    Malformed(_V / "pm_report.json", "no-list", _replaced("measValuesList", "measValueList"), 4, "invalid_data"),
    Malformed(_V / "ves7_batch_valid.json", "no-header", _replaced("commonEventHeader", "header"), 1, "not_cloudevent"),
    Malformed(_V / "ves7_batch_valid.json", "no-list", _replaced("eventList", "events"), 0, "not_cloudevent"),
    Malformed(_V / "ves7_invalid_30_1_1_event.json", "as-it-is", bytes, 0, "invalid_data"),
    Malformed(
        _V / "ves_stdnDefined_valid.json", "domain", _replaced('"stndDefined"', '"stndUndef"'), 0, "unknown_type"
    ),
    Malformed(_P / "A20181002.0000-1000-0015-1000_5G.xml", "cut", _cut(0.6), 3, "undecodable"),
    Malformed(_P / "A20181002.0000-1000-0015-1000_5G.xml", "text", _replaced(">789<", ">many<"), 7, "invalid_data"),
    Malformed(_P / PM_FILES[1].name, "doctype", _replaced("<measCollecFile", _DOCTYPE), 0, "undecodable"),
    Malformed(_P / PM_FILES[1].name, "p", _replaced('<r p="1">', '<r p="901">'), 125, "invalid_data"),
    Malformed(_P / "A_no_measdata.xml", "open", _replaced("</fileFooter>", ""), 0, "undecodable"),
    Malformed(
        _P / "C20190328.0000-0015.xml",
        "no-offset",
        _replaced("2002-10-02T12:15:00Z", "2002-10-02T12:15:00"),
        2,
        "invalid_data",
    ),
    Malformed(_P / "C20190328.0000-0015.xml", "one-short", _replaced("3 33 333 3333", "3 33 333"), 2, "invalid_data"),
)
