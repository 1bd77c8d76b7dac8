"""A VES message, `event` or `eventList`, to events. Knows which domain is decoded where; the fields are its neighbours'."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from connectors.network.decoded import ALARM, HEARTBEAT, MEASUREMENT, Decoded, RefusedPartError, Undecoded
from connectors.ves import alarms, standard
from connectors.ves.fields import Block, block, extras, seconds
from connectors.ves.header import Header, read_header
from connectors.ves.measurement import hash_maps
from connectors.ves.performance import Collection

Part = Decoded | Undecoded
_HEARTBEAT_S: Final = 60
_ENCODE: Final = msgspec.json.Encoder().encode


class VesDecoder:
    """Decodes messages one by one; `notes` counts what was remarkable: repaired times, nulls, domains not for us."""

    def __init__(self) -> None:
        self.notes: Counter[str] = Counter()
        self._domains: Mapping[str, tuple[str, Callable[[Block, Header], Iterator[Part]]]] = {
            "perf3gpp": (MEASUREMENT, self._performance),
            "measurement": (MEASUREMENT, self._measurement),
            "fault": (ALARM, _one(alarms.fault, "faultFields")),
            "thresholdCrossingAlert": (ALARM, _one(alarms.threshold, "thresholdCrossingAlertFields")),
            "heartbeat": (HEARTBEAT, self._heartbeat),
            "stndDefined": (ALARM, self._standard),
        }

    @staticmethod
    def is_json(payload: bytes) -> bool:
        """Whether the bytes are one JSON document."""
        try:
            msgspec.json.decode(payload)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return False
        return True

    def decode(self, payload: bytes) -> Iterator[Part]:
        """The events of one message, and what of it could not be decoded; never raises for a message's sake."""
        try:
            message = msgspec.json.decode(payload)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            yield Undecoded(f"not JSON: {error}", payload)
            return
        for name in ("event", "eventList"):
            found = message.get(name) if isinstance(message, dict) else None
            if isinstance(found, dict) and name == "event":
                yield from self._event(found, payload)
                return
            if isinstance(found, list) and name == "eventList":
                for event in found:
                    yield from self._event(event, None)
                return
        yield Undecoded("no VES message: neither event nor eventList", payload)

    def decode_event(self, event: Mapping[str, Any]) -> Iterator[Part]:
        """The same for one event that is parsed already: a member of `event` or `eventList`."""
        return self._event(event, None)

    def _event(self, event: Any, payload: bytes | None) -> Iterator[Part]:
        header = event.get("commonEventHeader") if isinstance(event, dict) else None
        domain = header.get("domain") if isinstance(header, dict) else None
        if not isinstance(header, dict) or not isinstance(domain, str) or not domain:
            whole = _ENCODE({"event": event}) if payload is None else payload
            yield Undecoded("no VES event: commonEventHeader or its domain is missing", whole)
            return
        if domain in _NOTHING_FOR_US:
            self.notes[f"nothing_for_us: {domain}"] += 1
            return
        kind, decode = self._domains.get(domain, (f"org.onap.ves.{domain[:64]}", _unknown))
        element, time = str(header.get("sourceName") or "")[:512], None
        try:
            read = read_header(header, self.notes)
            element, time = read.element, read.last
            yield from decode(event, read)
        except RefusedPartError as refused:
            yield Undecoded(str(refused), event, kind, element, time)

    def _performance(self, event: Block, header: Header) -> Iterator[Part]:
        fields = block(event, "perf3gppFields")
        yield from Collection(block(fields, "measDataCollection"), header, self.notes).parts()

    def _measurement(self, event: Block, header: Header) -> Iterator[Part]:
        made = list(hash_maps(block(event, "measurementFields"), header))
        if not made:
            self.notes["nothing_for_us: measurement"] += 1
        yield from made

    def _heartbeat(self, event: Block, header: Header) -> Iterator[Part]:
        fields = event.get("heartbeatFields")
        if isinstance(fields, dict) and fields.get("heartbeatInterval") is not None:
            data: dict[str, Any] = {"interval_s": seconds(fields, "heartbeatInterval")}
        else:
            self.notes["heartbeat_interval_assumed"] += 1
            data = {"interval_s": _HEARTBEAT_S, "interval_assumed": True}
        yield Decoded(
            HEARTBEAT, header.element, header.last, {**data, **extras(ves_id=header.event_id), **header.marks}
        )

    def _standard(self, event: Block, header: Header) -> Iterator[Part]:
        made = standard.notification(block(block(event, "stndDefinedFields"), "data"), header, self.notes)
        if made is not None:
            yield made


_NOTHING_FOR_US: Final = (
    *("mobileFlow", "notification", "other", "pnfRegistration"),
    *("sipSignaling", "stateChange", "syslog", "voiceQuality"),
)


def _unknown(_event: Block, header: Header) -> Iterator[Part]:
    raise RefusedPartError(f"domain {header.domain[:64]} is none of VES 7")


def _one(decode: Callable[[Block, Header], dict[str, Any]], fields: str) -> Callable[[Block, Header], Iterator[Part]]:
    """One event of one block."""

    def made(event: Block, header: Header) -> Iterator[Part]:
        yield Decoded(ALARM, header.element, header.last, {**decode(block(event, fields), header), **header.marks})

    return made
