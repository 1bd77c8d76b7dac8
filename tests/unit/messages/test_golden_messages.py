"""Golden pairs, both ways: a message is its events, and the events are written as the message."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.dcsa import writer as dcsa
from connectors.edifact.writer import Letter, write
from connectors.kafka.outgoing import problem_of
from connectors.tic import writer as tic
from tests.support.messages import GOLDEN, events, golden, without_identity

FORM = {
    "codeco.edi": "edifact",
    "coarri.edi": "edifact",
    "dcsa.json": "dcsa",
    "tic.json": "tic",
    "tic.flat.json": "tic",
}
AT = {"codeco": datetime(2026, 11, 24, 2, 5, tzinfo=UTC), "coarri": datetime(2026, 11, 24, 2, 30, tzinfo=UTC)}


def identified(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": str(n), "source": "/test", **event} for n, event in enumerate(found, start=1)]


@pytest.mark.parametrize("name", FORM)
def test_message_becomes_its_golden_events(name: str) -> None:
    found = events(FORM[name], (GOLDEN / name).read_bytes())
    assert without_identity(found) == golden(name.split(".", maxsplit=1)[0])
    assert [problem_of({"specversion": "1.0", **event}) for event in found] == [None] * len(found)


@pytest.mark.parametrize("kind", ["codeco", "coarri"])
def test_events_become_their_golden_interchange(kind: str) -> None:
    written = write(golden(kind), kind.upper(), Letter("TANVU", "QSY", AT[kind]))
    # References are digests of the content, so that they are no one's to write by hand.
    text = re.sub("[0-9A-F]{14}", "REF", written.content.decode("latin-1")).replace("\r\n", "\n")
    assert text == re.sub("[0-9A-F]{14}", "REF", (GOLDEN / f"{kind}.edi").read_text(encoding="latin-1"))
    assert written.refused == []


def test_events_become_their_golden_dcsa_document() -> None:
    written = dcsa.write(identified(golden("dcsa")), "QSY")
    document, expected = json.loads(written.content), json.loads((GOLDEN / "dcsa.json").read_bytes())
    first, second = (event["eventID"] for event in document["events"])
    assert first != second
    text = written.content.decode().replace(first, "ID-1").replace(second, "ID-2")
    assert json.loads(text) == expected


@pytest.mark.parametrize(("name", "is_flat"), [("tic.json", False), ("tic.flat.json", True)])
def test_events_become_their_golden_tic_message(name: str, is_flat: bool) -> None:
    written = tic.write(identified(golden("tic")), "edge-tanvu-sts03", flat=is_flat)
    expected, document = json.loads((GOLDEN / name).read_bytes()), json.loads(written.content)
    own = document.pop("msg.id") if is_flat else document["msg"].pop("id")
    assert len(own) == 16
    expected.pop("msg.id") if is_flat else expected["msg"].pop("id")
    assert document == expected
