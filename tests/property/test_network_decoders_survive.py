"""Whatever bytes arrive, the decoders give events a worker takes, or parts it refuses; they never raise."""

from collections.abc import Iterable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.outgoing import problem_of
from connectors.network.decoded import Decoded, Undecoded
from connectors.network.records import Origin, records
from connectors.network.subjects import Subjects
from connectors.pm_files.decoder import PmFileDecoder
from connectors.ves.decoder import VesDecoder
from tests.support.network import PM_FILES, VES

SAMPLES = [path.read_bytes() for path in VES] + [path.read_bytes()[:6000] for path in PM_FILES]
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
)
words = st.sampled_from(
    [
        *(
            "event",
            "eventList",
            "commonEventHeader",
            "domain",
            "perf3gpp",
            "fault",
            "heartbeat",
            "measurement",
            "stndDefined",
        ),
        *("perf3gppFields", "measDataCollection", "granularityPeriod", "measInfoList", "measTypes", "sMeasTypesList"),
        *("measValuesList", "measObjInstId", "measResults", "p", "iValue", "sValue", "isNull", "suspectFlag"),
        *(
            "sourceName",
            "lastEpochMicrosec",
            "faultFields",
            "alarmCondition",
            "eventSeverity",
            "stndDefinedFields",
            "data",
        ),
    ]
)
json_values = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=6),
    max_leaves=30,
)


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A sample with a piece cut out, or something else put in its place."""
    sample = draw(st.sampled_from(SAMPLES))
    start = draw(st.integers(0, len(sample)))
    end = draw(st.integers(start, min(start + 200, len(sample))))
    return sample[:start] + draw(st.binary(max_size=20)) + sample[end:]


@st.composite
def misfilled(draw: st.DrawFn) -> bytes:
    """A VES sample with one member, at any depth, given another value."""
    document: Any = msgspec.json.decode(draw(st.sampled_from(SAMPLES[: len(VES)])))
    at = document
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = draw(st.sampled_from(keys))
        if isinstance(at[key], dict | list) and at[key] and draw(st.booleans()):
            at = at[key]
            continue
        at[key] = draw(json_values)
        return msgspec.json.encode(document)


def check(parts: Iterable[Decoded | Undecoded], payload: bytes) -> None:
    for record in records(parts, Origin("/test", "run"), Subjects(), "cell-events"):
        assert record.value is not None
        if record.undecoded is None:
            assert problem_of(msgspec.json.decode(record.value)) is None
            assert len(record.value) <= 1_048_576
        elif record.key is not None:
            assert problem_of(msgspec.json.decode(record.value)) is not None
        else:
            assert len(record.value) <= len(payload) + 100


@given(st.binary(max_size=500) | json_values.map(msgspec.json.encode) | spoiled() | misfilled())
def test_any_bytes_as_a_ves_message(payload: bytes) -> None:
    check(VesDecoder().decode(payload), payload)


@given(st.binary(max_size=500) | spoiled(), st.integers(1, 5000))
def test_any_bytes_as_a_pm_file(payload: bytes, step: int) -> None:
    decoder = PmFileDecoder()
    pieces = (payload[i : i + step] for i in range(0, len(payload), step))
    check([*(part for piece in pieces for part in decoder.feed(piece)), *decoder.close()], payload)
