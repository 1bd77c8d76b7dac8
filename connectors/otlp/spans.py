"""Finished work as spans, sent in the background in batches; what cannot be sent is dropped and never waited for."""

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter


class OtlpSpans:
    """`exporter` None sends to where OTEL_EXPORTER_OTLP_ENDPOINT says, by default to this machine's port 4318.

    Raises ConfigurationError where the extra is not installed.
    """

    def __init__(self, service: str, version: str, exporter: "SpanExporter | None" = None) -> None:
        try:
            from opentelemetry import trace
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise ConfigurationError(
                "QUAYSTREAM_TRACE_EXPORT=otlp needs OpenTelemetry: install quaystream[otel], or set it to off"
            ) from error
        self._trace: Any = trace
        self._provider = TracerProvider(resource=Resource.create({"service.name": service, "service.version": version}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("quaystream", version)

    def ended(
        self, trace_id: str, name: str, seconds: float, about: Mapping[str, str | int], links: Sequence[str]
    ) -> None:
        """A span of the trace `trace_id` (32 hex digits) that ends now; `links` are well-formed traceparents."""
        now = time.time_ns()
        parent = self._trace.set_span_in_context(
            self._trace.NonRecordingSpan(self._context(trace_id, secrets.token_hex(8)))
        )
        span = self._tracer.start_span(
            name,
            context=parent,
            attributes=dict(about),
            links=[self._trace.Link(self._context(*link.split("-")[1:3])) for link in links],
            start_time=now - int(seconds * 1e9),
        )
        span.end(now)

    def close(self) -> None:
        """Send what is left; waits for the collector as long as OpenTelemetry does."""
        self._provider.shutdown()

    def _context(self, trace_id: str, span_id: str) -> Any:
        sampled = self._trace.TraceFlags(self._trace.TraceFlags.SAMPLED)
        return self._trace.SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=sampled)
