"""Records of an event topic to what a contract gives of them. Pure: the same decoder and judgement as the worker's.

What the worker would refuse for its form, time or sender is not shared. A repeat is shared again under the same id.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from schemas.events import MODELS
from schemas.identifiers import site_of
from schemas.pseudonyms import WITHHELD, is_clear, named_fields
from schemas.share import SUBJECT, Contract, Dataset
from schemas.share.masks import keyed, masked
from schemas.topics import BACKFILL_OF, TOPIC_BY_TYPE
from streams.core.batch import read
from streams.core.decode import Decoder
from streams.core.domain import Limits
from streams.core.envelope import Event
from streams.core.record import Record, Stretch, TopicPartition

CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json")
_ENCODE: Final = msgspec.json.Encoder().encode


class Shared(NamedTuple):
    """A record for an agency's topic."""

    topic: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What of a stretch is shared now. `until`: the offset of the first record whose delay is not over, None where all is done."""

    shared: tuple[Shared, ...]
    until: int | None


class Forwarding:
    """One contract; `key` is the agency's secret (share.agency_key)."""

    def __init__(self, contract: Contract, key: bytes, limits: Limits) -> None:
        self._contract = contract
        self._key = key
        self._limits = limits
        self._datasets = {d.event_type: d for d in contract.datasets if d.event_type is not None}
        self._decoders: dict[str, Decoder] = {}

    @property
    def sources(self) -> tuple[str, ...]:
        """The topics it reads: those of its event types, and their back-fill."""
        return tuple(
            sorted(n for t in self._datasets for n in (TOPIC_BY_TYPE[t].name, BACKFILL_OF[TOPIC_BY_TYPE[t].name]))
        )

    def forward(self, tp: TopicPartition, records: Sequence[Record], now: datetime) -> Forwarded:
        """What may be given at `now`; nothing outside the contract's times."""
        if not self._contract.is_valid(now):
            return Forwarded((), records[0].offset if records else None)
        batch = read([Stretch(tp, 0, records)], self._decoder(tp.topic), self._limits, {})
        now_us = int(now.timestamp() * 1_000_000)
        youngest_us = now_us - int(self._contract.delay.total_seconds() * 1_000_000)
        oldest_us = now_us - int(self._contract.retention.total_seconds() * 1_000_000)
        shared: list[Shared] = []
        for record, event, time_us in zip(records, batch.events, batch.times_us.tolist(), strict=True):
            if event is None or not self._is_given(event):
                continue
            if time_us > youngest_us:
                return Forwarded(tuple(shared), record.offset)
            if time_us > oldest_us:
                shared.append(self._shared(event, self._datasets[event.type]))
        return Forwarded(tuple(shared), None)

    def _is_given(self, event: Event) -> bool:
        return event.type in self._datasets and site_of(event.subject) in self._contract.sites

    def _shared(self, event: Event, dataset: Dataset) -> Shared:
        contract = self._contract
        said: dict[str, Any] = {
            "specversion": "1.0",
            "id": keyed(self._key, f"{event.source}\n{event.id}"),
            "source": f"/quaystream/share/{contract.agency}/{contract.purpose}",
            "type": event.type,
            "time": event.time,
            "site": site_of(event.subject),
            "dataclassification": dataset.classes()[-1],
        }
        if SUBJECT in dataset.fields:
            said["subject"] = masked(dataset.fields[SUBJECT], event.subject, self._key)
        said["data"] = self._data(event, dataset)
        # One asset's events keep their order, and the key does not say which asset.
        key = hmac.digest(self._key, event.subject.encode(), "sha256")[:16]
        return Shared(contract.topic(event.type), key.hex().encode(), _ENCODE(said))

    def _data(self, event: Event, dataset: Dataset) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for field, mask in dataset.fields.items():
            value = None if field == SUBJECT else getattr(event.data, field)
            if value is not None:
                given[field] = masked(mask, self._named(event, field, value), self._key)
        return given

    def _named(self, event: Event, field: str, value: Any) -> Any:
        """As the worker does: a site that sends pseudonyms only has no clear name to share."""
        named = named_fields(event.type).get(field)
        only = self._limits.pseudonyms_only.names
        if named is None or (only is not None and site_of(event.subject) not in only) or not is_clear(value):
            return value
        holds = not named.field or getattr(event.data, named.field) == named.value
        return WITHHELD if holds else value

    def _decoder(self, topic: str) -> Decoder:
        live = next((name for backfill, name in _LIVE if backfill == topic), topic)
        if live not in self._decoders:
            models = [model for kind, model in MODELS.items() if TOPIC_BY_TYPE[kind].name == live]
            self._decoders[live] = Decoder(models, self._limits.max_record_bytes)
        return self._decoders[live]


_LIVE: Final = tuple((backfill, live) for live, backfill in BACKFILL_OF.items())
