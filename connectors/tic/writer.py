"""Crane events to TIC4.0 messages, one an event: the JSON form, or the flat one."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from connectors.messages.said import RefusedPartError
from connectors.messages.written import Written, named
from connectors.tic.decoder import FAULT, SAMPLE, STATUS, STEP
from connectors.tic.flat import from_json, to_json
from connectors.tic.grammar import HEADER, Reading, read
from connectors.tic.partner import name_of
from connectors.tic.sample import sample_of
from connectors.tic.vocabulary import COUNTS, FLAGS, JOB, LENGTH, NUMBERS, Words
from schemas.quantities import unit_of_field

VERSION: Final = "2022.006"


def write(events: Iterable[dict[str, Any]], sender: str, *, flat: bool = False) -> Written:
    """One message a line. What has no word in TIC4.0 is refused."""
    lines, refused = [], []
    count = 0
    for event in events:
        try:
            message = message_of(event, sender)
        except RefusedPartError as error:
            refused.append(named(event, error))
            continue
        count += 1
        lines += list(from_json(message)) if flat else [message]
    return Written(b"".join(msgspec.json.encode(line) + b"\n" for line in lines), count, refused)


def message_of(event: dict[str, Any], sender: str) -> dict[str, Any]:
    """The message of one event, in the JSON form. Raises RefusedPartError."""
    name, kind = name_of(event["subject"])
    given = event["data"].get("readings")
    readings = given if isinstance(given, dict) else {}
    number = hashlib.sha256(f"{event.get('source')} {event.get('id')}".encode()).hexdigest()[:16]
    flat: dict[str, Any] = {f"{HEADER}.timestamp": event["time"], **readings}
    message = to_json(flat)
    message[HEADER] = {"id": number, "sender": sender, "timestamp": event["time"], "version": VERSION}
    crane = message.setdefault("che", [{}])[0]
    crane |= {"name": name, "type": kind}
    match event["type"]:
        case kind if kind == SAMPLE:
            _sample(crane, event["data"], event["time"])
        case kind if kind == STATUS:
            _put(crane, Words("", event["data"]["status"], "status"), _item(event["time"], value=True))
        case kind if kind == FAULT:
            _put(crane, Words("health", "fault", "errormessage"), _fault(event["data"], event["time"]))
        case kind if kind == STEP:
            crane[JOB] = [{"id": event["data"]["job_id"]}]
            _put(crane, Words(JOB, event["data"]["step"], "status"), _item(event["time"], value=True))
        case other:
            raise RefusedPartError(f"TIC4.0 has nothing for {other}")
    return message


def _sample(crane: dict[str, Any], data: dict[str, Any], time: str) -> None:
    """Every field that the readings which came with it do not say already."""
    said, _ = sample_of([one for one in read({"che": [crane]}) if isinstance(one, Reading)], Counter())
    for field, value in data.items():
        if value is None or said.get(field) == value:
            continue
        if field in NUMBERS:
            _put(crane, NUMBERS[field][0], _item(time, unit=unit_of_field(field), value=value))
        elif field in COUNTS:
            _put(crane, COUNTS[field][0], _item(time, value=value))
        elif field in FLAGS:
            _put(crane, FLAGS[field], _item(time, value=value))
        elif field == "spreader_length_ft":
            _put(crane, LENGTH, _item(time, unit="foot", value=value))
        elif field == "spreader_mode":
            _put(crane, Words("spreader", value, "status"), _item(time, value=True))


def _item(time: str, **more: Any) -> dict[str, Any]:
    return {"timestamp": time, "pom": "output", "pomt": "actual", **more}


def _fault(data: dict[str, Any], time: str) -> dict[str, Any]:
    item = {"timestamp": time, "value": data["active"], "tic40codeid": data["code"], "severity": data["severity"]}
    return item | ({"description": data["description"]} if data.get("description") else {})


def _put(crane: dict[str, Any], words: Words, item: dict[str, Any]) -> None:
    inner = crane.setdefault(words.subject, [{}])[0] if words.subject else crane
    inner.setdefault(words.concept, {}).setdefault(words.property, []).append(item)
