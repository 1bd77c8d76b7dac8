"""Traces: every batch has an id, a refused record keeps its sender's, and spans leave only where they were asked for."""

import json
import sys

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from connectors.otlp.spans import OtlpSpans
from connectors.prometheus import Registry
from schemas.errors import ConfigurationError
from schemas.outcome import Outcome, Reason
from streams.core.record import TopicPartition
from streams.core.refusal import Refusal
from streams.core.trace import ids_of, traceparent_of
from streams.core.writes import DeadLetter, Progress, Tally, Writes
from streams.tracing import MOST_TOLD, TracingRecorder, batch_trace, tell_refused
from tests.support.records import Sent

# The example of the recommendation, section 3.2.3.
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
CRANES = TopicPartition("crane-events", 3)


def letter(value: bytes = b"{", *headers: tuple[str, bytes], offset: int = 7) -> DeadLetter:
    return DeadLetter(CRANES, Sent(offset, value, headers=headers), Refusal(Reason.UNDECODABLE, "no JSON"))


def test_both_modes_and_a_plain_header_are_read() -> None:
    structured = json.dumps({"traceparent": TRACEPARENT, "data": {"x": 1}}).encode()
    assert traceparent_of(letter(structured).record) == TRACEPARENT
    assert traceparent_of(letter(b"{}", ("ce_traceparent", TRACEPARENT.encode())).record) == TRACEPARENT
    assert traceparent_of(letter(b"{}", ("traceparent", TRACEPARENT.encode())).record) == TRACEPARENT
    assert ids_of(TRACEPARENT) == (TRACE, SPAN)


@pytest.mark.parametrize(
    "text",
    [
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        TRACE,
        "",
    ],
    ids=["no trace", "no span", "version ff", "upper case", "not four parts", "empty"],
)
def test_what_the_recommendation_calls_invalid_is_nobody(text: str) -> None:
    assert traceparent_of(letter(json.dumps({"traceparent": text}).encode()).record) is None


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_no_bytes_break_the_reading(value: bytes, header: bytes) -> None:
    traceparent_of(letter(value, ("ce_traceparent", header)).record)


def test_refused_records_are_told_with_their_senders_trace_within_the_batch() -> None:
    known = letter(json.dumps({"traceparent": TRACEPARENT}).encode())
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as told, batch_trace():
        tell_refused([known, letter(offset=8)])
    assert [(line["offset"], line["reason"], line.get("sender_trace_id")) for line in told] == [
        (7, "undecodable", TRACE),
        (8, "undecodable", None),
    ]
    (trace,) = {line["trace_id"] for line in told}
    assert len(bytes.fromhex(trace)) == 16
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as after, batch_trace():
        tell_refused([known])
    assert after[0]["trace_id"] != trace


def test_a_poison_burst_is_told_as_a_number() -> None:
    with structlog.testing.capture_logs() as told:
        tell_refused([letter(offset=n) for n in range(1000)])
    assert len(told) == MOST_TOLD + 1
    assert told[-1]["count"] == 1000 - MOST_TOLD


def test_a_transaction_is_a_span_of_its_batch_linked_to_what_was_refused() -> None:
    exporter = InMemorySpanExporter()
    spans = OtlpSpans("quaystream-worker", "test", exporter)
    recorder = TracingRecorder(Registry(), (), spans)
    step = Progress(CRANES, 5, 9, 1, accepted=3, duplicate=0, rejected=1, missing=0)
    tally = Tally({(Outcome.ACCEPTED, None): 3, (Outcome.REJECTED, Reason.UNDECODABLE): 1})
    letters = (letter(json.dumps({"traceparent": TRACEPARENT}).encode()),)
    with batch_trace():
        trace = structlog.contextvars.get_contextvars()["trace_id"]
        recorder.committed(Writes("crane", (step,), tally=tally, dead_letters=letters), 0.25)
    spans.close()
    (span,) = exporter.get_finished_spans()
    assert span.name == "commit crane"
    assert f"{span.context.trace_id:032x}" == trace
    assert span.end_time - span.start_time == 250_000_000
    assert span.attributes is not None
    assert (span.attributes["quaystream.accepted"], span.attributes["quaystream.rejected"]) == (3, 1)
    (link,) = span.links
    assert (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") == (TRACE, SPAN)


def test_traces_without_the_extra_are_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError, match=r"install quaystream\[otel\]"):
        OtlpSpans("quaystream-worker", "test")


def test_traces_are_off_by_default() -> None:
    from streams.settings import Settings

    assert Settings.model_fields["trace_export"].default == "off"
