"""`publish` without a broker: what is sent of a file, what is refused, and what the person is told."""

import base64
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
import typer
from typer.testing import CliRunner, Result

from connectors.kafka.outgoing import Outgoing, Refused, parse_time, problem_of
from connectors.kafka.recording import read_recording
from connectors.simulator.options import FAULTS, SimulationOptions
from connectors.simulator.recording import line
from connectors.simulator.simulation import Simulation
from schemas.errors import CheckFailedError, ConfigurationError
from streams.cli import publish

TRACE = Path(__file__).parent.parent / "data" / "radio" / "s2w_n78_v50_run02.txt"
Sent = tuple[str, bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]


class SpyPublisher:
    """Takes the place of the publisher and remembers what it is given."""

    sent: list[Sent]

    def __init__(self, access: object) -> None:
        del access

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]] = ()
    ) -> None:
        self.sent.append((topic, key, value, headers))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Sent]:
    for name in [name for name in os.environ if name.startswith("QUAYSTREAM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    SpyPublisher.sent = []
    monkeypatch.setattr("connectors.kafka.producer.Publisher", SpyPublisher)
    return SpyPublisher.sent


def run(*arguments: object) -> Result:
    app = typer.Typer()
    publish.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def event(**changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "a-1",
        "source": "/vnhph/tanvu/gw-03",
        "type": "io.quaystream.crane.status.v1",
        "subject": "VNHPH-TANVU-STS03",
        "time": "2026-01-01T07:00:00+07:00",
        "data": {"status": "working"},
    } | changes


def write(folder: Path, *lines: object) -> Path:
    path = folder / "recording.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_event_is_sent_as_it_stands_to_the_topic_of_its_type(sent: list[Sent], tmp_path: Path) -> None:
    line = json.dumps(event(), indent=None, separators=(", ", " : "))
    result = run(write(tmp_path, line, ""))
    assert result.exit_code == 0
    structured = (("content-type", b"application/cloudevents+json"),)
    assert sent == [("crane-events", b"VNHPH-TANVU-STS03", line.encode(), structured)]


def test_topic_can_be_chosen(sent: list[Sent], tmp_path: Path) -> None:
    run(write(tmp_path, event()), "--topic", "mine")
    assert [record[0] for record in sent] == ["mine"]


def test_history_goes_to_the_back_fill_topics(sent: list[Sent], tmp_path: Path) -> None:
    whole = {"topic": "gate-events", "key": None, "value": "x"}
    assert run(write(tmp_path, event(), whole), "--backfill").exit_code == 0
    assert [record[0] for record in sent] == ["crane-events-backfill", "gate-events-backfill"]


def test_what_has_no_back_fill_topic_is_refused_with_its_line(sent: list[Sent], tmp_path: Path) -> None:
    whole = {"topic": "crane-events-dead-letters", "key": None, "value": "x"}
    result = run(write(tmp_path, whole, event()), "--backfill")
    assert isinstance(result.exception, CheckFailedError)
    assert ":1: crane-events-dead-letters has no back-fill topic" in result.stderr
    assert [record[0] for record in sent] == ["crane-events-backfill"]


def test_history_and_a_topic_of_choice_contradict_each_other(sent: list[Sent], tmp_path: Path) -> None:
    result = run(write(tmp_path, event()), "--backfill", "--topic", "mine")
    assert isinstance(result.exception, ConfigurationError)
    assert sent == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": ""}, "attribute id is missing"),
        ({"specversion": "0.3"}, "specversion 0.3"),
        ({"type": "io.quaystream.crane.state.v1"}, "is not known"),
        ({"subject": "STS03"}, "subject STS03"),
        ({"time": "2026-01-01T07:00:00"}, "not RFC 3339 with offset"),
        ({"time": "1767225600"}, "not RFC 3339 with offset"),
        ({"data": {"status": "resting"}}, "status: "),
        ({"data": {"status": "on", "reason": 3}}, "reason: Input should be a valid string, not 3"),
        ({"data": None}, "data: "),
    ],
)
def test_event_that_the_worker_would_refuse_is_refused_with_its_reason(change: dict[str, Any], said: str) -> None:
    problem = problem_of(event(**change))
    assert problem is not None
    assert said in problem


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"id": NaN}', "NaN is not JSON"),
        ("[" * 2000, "not JSON"),
        ("\udcff", "not JSON"),
        ('{"topic": "t", "value": {"a": 1}}', "neither a text nor null"),
        ('{"topic": "t", "value_base64": "?"}', "not base64"),
        ('{"topic": "t", "key": 1}', "its key is a text or null"),
        ('{"topic": "t", "headers": [["a"]]}', "a header is not"),
        ('{"topic": "t", "headers": 1}', "headers are neither"),
    ],
)
def test_line_that_is_neither_event_nor_record_is_refused(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "recording.jsonl"
    path.write_bytes(line.encode(errors="surrogateescape") + b"\n")
    (refused,) = read_recording(path)
    assert isinstance(refused, Refused)
    assert said in refused.reason


def test_refused_lines_are_told_and_the_others_are_sent(sent: list[Sent], tmp_path: Path) -> None:
    path = write(tmp_path, event(), "{", event(id="a-2"))
    result = run(path)
    assert isinstance(result.exception, CheckFailedError)
    assert str(result.exception) == f"1 of 3 lines of {path} were refused"
    assert f"{path}:2: not JSON" in result.stderr
    assert "refused 1" in result.stdout
    assert len(sent) == 2


def test_record_is_sent_byte_for_byte_whatever_is_in_it(sent: list[Sent], tmp_path: Path) -> None:
    value = base64.b64encode(b"\x00\xff poison").decode()
    records = [
        {"topic": "gate-events", "key": None, "headers": [["a", "1"], ["a", None]], "value": "not JSON"},
        {"topic": "gate-events", "key": "G1", "headers": {"qs-run": "x"}, "value_base64": value},
        {"topic": "gate-events", "key": None, "value": None},
    ]
    assert run(write(tmp_path, *records)).exit_code == 0
    assert sent == [
        ("gate-events", None, b"not JSON", (("a", b"1"), ("a", None))),
        ("gate-events", b"G1", b"\x00\xff poison", (("qs-run", b"x"),)),
        ("gate-events", None, None, ()),
    ]


def test_record_says_when_it_was_sent(tmp_path: Path) -> None:
    path = write(tmp_path, {"topic": "gate-events", "key": None, "value": "x", "at": "2026-01-01T00:00:00Z"})
    (record,) = read_recording(path)
    assert isinstance(record, Outgoing)
    assert record.time == datetime(2026, 1, 1, tzinfo=UTC)


def test_simulated_file_is_sent_as_the_simulator_would_have_sent_it(tmp_path: Path) -> None:
    options = SimulationOptions(seed=3, duration=timedelta(minutes=1), faults=frozenset(FAULTS))
    records = list(Simulation(options).records())
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"".join(map(line, records)))
    read = list(read_recording(path))
    assert [(r.topic, r.key, r.value, list(r.headers)) for r in read if isinstance(r, Outgoing)] == [
        (record.topic, record.key, record.value, list(record.headers)) for record in records
    ]


def test_record_cannot_be_shifted(tmp_path: Path) -> None:
    path = write(tmp_path, {"topic": "gate-events", "key": None, "value": "x"})
    with pytest.raises(ConfigurationError, match="line 1 is a whole record"):
        list(read_recording(path, shift=timedelta(1)))


def test_shifted_event_keeps_its_source_and_says_when_it_was(tmp_path: Path) -> None:
    original = event(bootid="b1", sequence="7", recordedtime="2026-01-01T00:00:01Z")
    (record,) = read_recording(write(tmp_path, original), shift=timedelta(hours=1))
    assert isinstance(record, Outgoing)
    moved = json.loads(record.value or b"")
    assert parse_time(moved["time"]) == datetime(2026, 1, 1, 1, tzinfo=UTC) == record.time
    assert moved["recordedtime"] == "2026-01-01T01:00:01.000Z"
    assert moved["shiftedfrom"] == original["time"]
    assert moved["id"] != original["id"]
    assert moved["bootid"] != original["bootid"]
    assert (moved["source"], moved["sequence"], moved["data"]) == (original["source"], "7", original["data"])


def test_shift_to_now_ends_now_and_keeps_the_distances(sent: list[Sent]) -> None:
    before = datetime.now(UTC)
    result = run(TRACE, "--map", "cicv5g", "--shift-to", "now", "--json")
    answer = json.loads(result.stdout)
    last = parse_time(answer["last_time"])
    assert last is not None
    assert timedelta(0) <= last - before + timedelta(milliseconds=1) < timedelta(seconds=30)
    assert last - (parse_time(answer["first_time"]) or last) == timedelta(seconds=17.544)
    assert (answer["published"], answer["refused"], answer["too_old"]) == (317, 0, 0)
    assert len(sent) == 317


def test_shift_without_any_time_is_refused(sent: list[Sent], tmp_path: Path) -> None:
    result = run(write(tmp_path, "{"), "--shift-to", "now")
    assert isinstance(result.exception, ConfigurationError)
    assert sent == []


def test_publishing_twice_sends_the_same_bytes(sent: list[Sent]) -> None:
    run(TRACE, "--map", "cicv5g")
    run(TRACE, "--map", "cicv5g")
    assert sent[:317] == sent[317:]
    assert len({record[2] for record in sent}) == 317


def test_events_older_than_the_worker_takes_are_warned_of(sent: list[Sent], monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(TRACE, "--map", "cicv5g")
    assert "317 of 317 events are older than QUAYSTREAM_MAX_AGE=90d" in result.stderr
    monkeypatch.setenv("QUAYSTREAM_MAX_AGE", "36500d")
    assert "QUAYSTREAM_MAX_AGE" not in run(TRACE, "--map", "cicv5g").stderr
    assert len(sent) == 634


def test_summary_names_topic_asset_and_times(sent: list[Sent]) -> None:
    result = run(TRACE, "--map", "cicv5g")
    assert result.stdout == (
        "Published 317 to cell-events of VNHPH-DEEPC2-S2W_N78_V50_RUN02, "
        "2024-07-31T09:18:17.058Z to 2024-07-31T09:18:34.602Z; refused 0.\n"
    )
    assert {record[0] for record in sent} == {"cell-events"}


def test_rate_holds_records_back(sent: list[Sent], tmp_path: Path) -> None:
    started = datetime.now(UTC)
    run(write(tmp_path, *(event(id=f"a-{n}") for n in range(5))), "--rate", "20")
    assert datetime.now(UTC) - started >= timedelta(seconds=0.2)
    assert len(sent) == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((TRACE,), "add --map MAP"),
        ((TRACE, "--format", "csv"), "needs a mapping"),
        ((TRACE, "--format", "cloudevents", "--map", "cicv5g"), "take one of the two away"),
        ((TRACE, "--map", "nope"), "no mapping nope"),
    ],
)
def test_unclear_wish_is_wrong_usage(sent: list[Sent], arguments: tuple[object, ...], said: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, ConfigurationError)
    assert said in str(result.exception)
    assert sent == []


def test_file_that_is_not_there_is_wrong_usage(sent: list[Sent]) -> None:
    assert run("nowhere.jsonl").exit_code == 2
    assert sent == []


def test_interchange_without_a_format_is_asked_for_one(sent: list[Sent], tmp_path: Path) -> None:
    file = tmp_path / "report.edi"
    file.write_text("UNB+UNOA:2")
    with pytest.raises(ConfigurationError, match="looks like EDIFACT: add --format edifact"):
        raise run(file).exception or AssertionError
    assert sent == []


def test_interchange_is_sent_by_its_events_and_shifted_under_other_names(sent: list[Sent]) -> None:
    file = Path(__file__).parent.parent / "data/messages/D95BCOARRI.edi"
    result = run(file, "--format", "edifact", "--json")
    assert (result.exit_code, json.loads(result.stdout)["topics"]) == (0, {"cargo-events": 21})
    first = [json.loads(value or b"") for _, _, value, _ in sent]
    sent.clear()
    assert run(file, "--format", "edifact", "--shift-to", "now").exit_code == 0
    moved = [json.loads(value or b"") for _, _, value, _ in sent]
    assert not {event["id"] for event in first} & {event["id"] for event in moved}
    assert [event["shiftedfrom"] for event in moved] == [event["time"] for event in first]


def test_site_of_messages_is_where_they_name_none(sent: list[Sent], tmp_path: Path) -> None:
    file = tmp_path / "lift.edi"
    file.write_text("UNH+1+COARRI:D:95B:UN'BGM+98+X+9'EQD+CN+TNVU3507128'DTM+203:202611240912:203'CNT+16:1'UNT+6+1'")
    assert run(file, "--format", "edifact", "--site", "VNHPH-TANVU").exit_code == 0
    assert [key for _, key, _, _ in sent] == [b"VNHPH-TANVU-TNVU3507128"]
