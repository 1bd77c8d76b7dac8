"""Every decoder as one function of bytes: it gives events or refusals, and raises nothing that it does not declare.

A target raises for what would be a finding: an undeclared error, an event that the worker refuses, one that is lost.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from connectors.cloudevents_http.reading import events_in
from connectors.edge.errors import InvalidEventError
from connectors.kafka.outgoing import problem_of
from connectors.mapping import decoder as mapping
from connectors.mapping.model import Mapping
from connectors.messages.formats import FORMATS
from connectors.messages.records import records as message_records
from connectors.network.decoded import Decoded, Undecoded
from connectors.network.records import Origin, records
from connectors.network.subjects import Subjects
from connectors.opcua.messages import data_sets_of
from connectors.opcua.values import value_of as opcua_value
from connectors.pm_files.decoder import PmFileDecoder
from connectors.sparkplug.values import value_of as sparkplug_value
from connectors.sparkplug.wire import payload_of
from connectors.ves.decoder import VesDecoder
from schemas.examples import load_examples
from streams.core.domain import Limits
from streams.core.record import TopicPartition
from streams.domains import DOMAINS
from streams.pipeline import Pipeline
from tests.support.judging import following, planned
from tests.support.records import Sent, stretch

DATA: Final = Path(__file__).parents[1] / "data"
STRUCTURED: Final = [("content-type", b"application/cloudevents+json")]
BINARY: Final = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"e1"),
    ("ce_source", b"/vnhph/tanvu/gw-01"),
    ("ce_subject", b"VNHPH-TANVU-STS01"),
    ("ce_time", b"2026-11-24T02:00:00Z"),
]
TYPES: Final = [(domain, model.TYPE.encode()) for domain in DOMAINS for model in domain.models]
LIMITS: Final = Limits(max_record_bytes=1_048_576)
PIPELINES: Final = {domain.name: Pipeline(domain, LIMITS) for domain in DOMAINS}
MAPPING: Final = Mapping.model_validate(
    {
        "type": "crane.sample.v1",
        "subject": "VNHPH-TANVU-{crane}",
        "time": {"from": "t", "unit": "ms"},
        "fields": {"load_t": {"from": "load.mass", "unit": "kg"}, "spreader_locked": "locked"},
    }
)


@dataclass(frozen=True, slots=True)
class Target:
    """`seeds`: what it begins with; `most`: the longest input worth trying, in bytes."""

    one: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    most: int = 4_096


def record(content: bytes) -> None:
    """The worker: the first byte says which topic, type and mode. Each record has one outcome."""
    if not content:
        return
    domain, kind = TYPES[content[0] // 2 % len(TYPES)]
    headers = STRUCTURED if content[0] % 2 else [*BINARY, ("ce_type", kind)]
    part = [stretch([Sent(0, content[1:], headers=headers)], tp=TopicPartition(domain.topic, 0))]
    writes = planned(part, by=PIPELINES[domain.name], fences=following(part)).writes(())
    assert sum(rows.num_rows > 0 for rows in writes.rows.values()) + len(writes.dead_letters) >= 1
    (step,) = writes.progress
    assert step.accepted + step.duplicate + step.rejected == 1


def ves(content: bytes) -> None:
    """VES events, single and in batches."""
    _taken(VesDecoder().decode(content))


def pm_file(content: bytes) -> None:
    """PM files; the first byte says in pieces of what size."""
    decoder, step = PmFileDecoder(), 1 + 16 * (content[0] if content else 0)
    pieces = (content[i : i + step] for i in range(1, len(content), step))
    _taken([*(part for piece in pieces for part in decoder.feed(piece)), *decoder.close()])


def _taken(parts: Iterable[Decoded | Undecoded]) -> None:
    for made in records(parts, Origin("/fuzz", "run"), Subjects(), "cell-events"):
        assert made.value is not None
        if made.undecoded is None:
            problem = problem_of(msgspec.json.decode(made.value))
            assert problem is None, problem


def message(form: str) -> Callable[[bytes], None]:
    """EDIFACT, DCSA and TIC4.0."""

    def one(content: bytes) -> None:
        notes: Counter[str] = Counter()
        said = list(FORMATS[form].decode(content, notes, FORMATS[form].partner()))
        for made in message_records(said, "run", None, None):
            assert made.undecoded is not None or made.key

    return one


def mapped(content: bytes) -> None:
    """Outside records by a mapping."""
    notes: Counter[str] = Counter()
    for made in message_records(list(mapping.decode(content, notes, MAPPING)), "run", None, None):
        assert made.undecoded is not None or made.key


def http(content: bytes) -> None:
    """CloudEvents over HTTP; the first byte says in which mode."""
    kinds = ("application/cloudevents+json", "application/cloudevents-batch+json", "application/json")
    kind = kinds[content[0] % 3] if content else kinds[0]
    headers = {name.replace("_", "-"): value.decode() for name, value in BINARY} if kind == kinds[2] else {}
    try:
        events_in(kind, {**headers, "content-type": kind}, content[1:])
    except InvalidEventError:
        return


def sparkplug(content: bytes) -> None:
    """Payloads of Sparkplug B; the first byte says with which data type a metric without one is read."""
    try:
        payload = payload_of(content[1:])
    except InvalidEventError:
        return
    for metric in payload.metrics:
        try:
            sparkplug_value(metric, metric.datatype if metric.datatype is not None else content[0])
        except InvalidEventError:
            continue


def opcua(content: bytes) -> None:
    """Network messages of OPC UA PubSub in JSON."""
    try:
        sets = data_sets_of(content) or []
    except InvalidEventError:
        return
    for given in (given for one in sets for given in one.fields.values()):
        try:
            opcua_value(given)
        except InvalidEventError:
            continue


def _files(*patterns: str, first: bytes = b"", at_most: int = 4_000) -> Callable[[], list[bytes]]:
    return lambda: [first + file.read_bytes()[:at_most] for pattern in patterns for file in sorted(DATA.glob(pattern))]


def _records() -> list[bytes]:
    found = []
    for example in load_examples():
        for index, (domain, kind) in enumerate(TYPES):
            if domain.topic == example.topic and kind in (example.value or b""):
                found.append(bytes([2 * index + 1]) + (example.value or b""))
                data = msgspec.json.decode(example.value or b"").get("data") if example.expected is None else None
                found.append(bytes([2 * index]) + msgspec.json.encode(data))
    return found


MAPPED: Final = b'{"crane":"STS01","t":1764122400000,"load":{"mass":20500.0},"locked":true}'
OPC_UA: Final = (
    b'{"MessageId":"1","MessageType":"ua-data","PublisherId":"plc-1","Messages":[{"DataSetWriterId":7,"SequenceNumber":1,'
    b'"MetaDataVersion":{"MajorVersion":1,"MinorVersion":1},"Timestamp":"2026-11-24T02:00:00Z","Payload":'
    b'{"load":{"Type":10,"Body":20.5},"locked":{"Value":{"Type":1,"Body":true},"SourceTimestamp":"2026-11-24T02:00:00Z"}}}]}'
)
SPARKPLUG: Final = bytes.fromhex("00 08d0860312130a046c6f61641801200a650000a441 2000 1801".replace(" ", ""))

TARGETS: Final = {
    "record": Target(record, _records),
    "ves": Target(ves, _files("ves/*.json"), 8_192),
    "pm-file": Target(pm_file, _files("pm-xml/*.xml", first=b"\xff"), 8_192),
    "edifact": Target(message("edifact"), _files("messages/*.edi", "messages/golden/*.edi")),
    "dcsa": Target(message("dcsa"), _files("messages/*.json", "messages/golden/dcsa.json")),
    "tic": Target(message("tic"), _files("messages/golden/tic*.json")),
    "mapping": Target(mapped, lambda: [MAPPED]),
    "http": Target(http, lambda: [bytes([0]) + MAPPED, b"\x01[" + MAPPED + b"]", b"\x02" + MAPPED]),
    "sparkplug": Target(sparkplug, lambda: [SPARKPLUG]),
    "opcua": Target(opcua, lambda: [OPC_UA]),
}
