"""Traces of the worker: every batch has an id that its log lines carry, and may be exported as a span (off by default)."""

import secrets
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Final, Protocol

import structlog

from connectors.prometheus import Registry
from schemas.outcome import Outcome
from streams.core.trace import ids_of, traceparent_of
from streams.core.writes import DeadLetter, Writes
from streams.recorder import WorkerRecorder

log = structlog.get_logger()

MOST_TOLD: Final = 5
"""Refused records told one by one for each batch; a poison burst is told as a number."""


class Spans(Protocol):
    """Where spans go (connectors/otlp). Never raises, never waits."""

    def ended(self, trace_id: str, name: str, seconds: float, about: Mapping[str, str | int], links: list[str]) -> None:
        """A span that ends now; `links` are traceparents."""

    def close(self) -> None:
        """Send what is left."""


def batch_trace() -> AbstractContextManager[object]:
    """Log lines within carry a new `trace_id`, 32 hex digits."""
    return structlog.contextvars.bound_contextvars(trace_id=secrets.token_hex(16))


def tell_refused(letters: Collection[DeadLetter]) -> None:
    """Log what was refused: the first few with the sender's own trace id, the rest as a number."""
    for letter in list(letters)[:MOST_TOLD]:
        traceparent = traceparent_of(letter.record)
        sender = {"sender_trace_id": ids_of(traceparent)[0]} if traceparent else {}
        place = {"topic": letter.tp.topic, "partition": letter.tp.partition, "offset": letter.record.offset}
        log.warning("refused", reason=letter.refusal.reason.value, **place, **sender)
    if len(letters) > MOST_TOLD:
        log.warning("more refused", count=len(letters) - MOST_TOLD)


class TracingRecorder(WorkerRecorder):
    """Counts as the other does, and exports each transaction as a span with links to the traces of refused records."""

    def __init__(self, registry: Registry, gateways: Collection[str], spans: Spans) -> None:
        super().__init__(registry, gateways)
        self._spans = spans

    def committed(self, writes: Writes, seconds: float) -> None:
        super().committed(writes, seconds)
        trace_id = structlog.contextvars.get_contextvars().get("trace_id") or secrets.token_hex(16)
        told = [traceparent_of(letter.record) for letter in writes.dead_letters[:MOST_TOLD]]
        links = [traceparent for traceparent in told if traceparent]
        self._spans.ended(trace_id, f"commit {writes.domain}", seconds, _about(writes), links)


def _about(writes: Writes) -> dict[str, str | int]:
    counts = dict.fromkeys(Outcome, 0)
    for (outcome, _), count in writes.tally.items():
        counts[outcome] += count
    return {
        "quaystream.domain": writes.domain,
        "quaystream.partitions": len(writes.progress),
        "quaystream.rows": sum(batch.num_rows for batch in writes.rows.values()),
        **{f"quaystream.{outcome.value}": count for outcome, count in counts.items()},
    }
