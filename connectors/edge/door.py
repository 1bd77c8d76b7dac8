"""What a source sees of the gateway: check an event, hand events over, say what was wrong. And what a source is."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
import structlog

from connectors.edge.errors import InvalidEventError, SpoolRefusedError
from connectors.edge.event import Offered, encoded, offered, too_large
from connectors.edge.letter import Addressed, Letter, letter_of
from connectors.edge.publisher import Publisher
from connectors.edge.spool import Cursor, Parcel
from connectors.prometheus import Registry
from schemas.metrics import (
    CONNECTOR_ANSWERS,
    CONNECTOR_BYTES,
    CONNECTOR_DEAD_LETTERS,
    CONNECTOR_ERRORS,
    CONNECTOR_EVENTS,
    CONNECTOR_FILES,
    CONNECTOR_FILES_WAITING,
    CONNECTOR_NOTES,
    SPOOL_REFUSED,
    Metric,
)

log = structlog.get_logger()

RETRY_S: Final = 1.0
# Which event topic's worker keeps what becomes no event, where neither it nor the source's settings say another.
REFUSED_TO: Final = "crane-events"
# A mapped row grows: names of columns come to it. What is this small cannot become too large.
_SURELY_SMALL: Final = 16 * 1024
# What the spool adds: an id, a bootid, a sequence and a recordedtime with their names.
_ADDED_BYTES: Final = 512


class Source(Protocol):
    """A connector that brings events. `run` ends when there will be no more, or is cancelled."""

    async def run(self, door: "Door") -> None:
        """Bring events to the door, until cancelled."""


class Door:
    """One source's way into the spool; counts under the source's name."""

    def __init__(
        self, name: str, publisher: Publisher, source: str, registry: Registry, refused_to: str = REFUSED_TO
    ) -> None:
        self.name = name
        self._publisher = publisher
        self._source = source
        self._registry = registry
        self._sender = Addressed(source, name, refused_to)
        # By the identity of the input: what is refused of one input in several parts is kept once.
        self._letters: dict[int, tuple[bytes, Letter]] = {}

    def check(self, event: Mapping[str, Any], size: int) -> Offered:
        """The event, ready to be taken; `size` = bytes it came in. Raises InvalidEventError, EventTooLargeError."""
        checked = offered(event, self._source)
        if size > _SURELY_SMALL and (error := too_large(len(encoded(checked.event)) + _ADDED_BYTES)):
            raise error
        return checked

    def refuse(self, place: str, error: InvalidEventError, raw: bytes | None = None) -> None:
        """Count and log what becomes no event. `place` says where it came from.

        `raw` is the input as it came: it is kept with what is taken next. None: it is kept elsewhere, or was never read.
        """
        self._note_refused(place, error)
        if raw is not None:
            self._letters.setdefault(id(raw), (raw, letter_of(self._sender, place, str(error), raw)))

    async def refuse_now(self, place: str, error: InvalidEventError, raw: bytes) -> None:
        """As `refuse`, for a sender that is told no: returns when the input is kept. Raises SpoolRefusedError."""
        self._note_refused(place, error)
        await self._keep(Parcel(letters=[letter_of(self._sender, place, str(error), raw)]))

    @property
    def has_letters(self) -> bool:
        """Whether something that was refused is still to be kept."""
        return bool(self._letters)

    def _note_refused(self, place: str, error: InvalidEventError) -> None:
        self.count(CONNECTOR_ERRORS, error.kind)
        log.warning("refused", connector=self.name, place=place, reason=str(error))

    def fail(self, kind: str, place: str, reason: str) -> None:
        """Count and log what went wrong with a caller or a file, not with an event; `kind` is a label of few values."""
        self._registry.counter(CONNECTOR_ERRORS, self.name, kind).inc()
        log.warning("failed", connector=self.name, kind=kind, place=place, reason=reason)

    def answered(self, status: int) -> None:
        """Count a request by its answer."""
        self._registry.counter(CONNECTOR_ANSWERS, self.name, str(status)).inc()

    def note(self, place: str, notes: Mapping[str, int]) -> None:
        """Count and log what was remarkable and is taken all the same; of `what: which` only the first word is a label."""
        for what, times in notes.items():
            self._registry.counter(CONNECTOR_NOTES, self.name, what.partition(":")[0]).inc(times)
        if notes:
            log.info("noted", connector=self.name, place=place, notes=dict(notes))

    def done_with_file(self, outcome: str) -> None:
        """Count a file."""
        self._registry.counter(CONNECTOR_FILES, self.name, outcome).inc()

    def files_wait(self, files: int) -> None:
        """So many are seen or announced, and not taken yet."""
        self._registry.gauge(CONNECTOR_FILES_WAITING, self.name).set(files)

    async def take(self, events: Sequence[Offered], cursors: Sequence[Cursor] = (), size: int = 0) -> None:
        """Returns when all of them are in the spool, with the cursors and what was refused before them.

        Raises SpoolRefusedError when none is.
        """
        refused, self._letters = self._letters, {}
        try:
            await self._keep(Parcel(events, cursors, [letter for _, letter in refused.values()]))
        except BaseException:
            self._letters = refused | self._letters
            raise
        self._registry.counter(CONNECTOR_EVENTS, self.name).inc(len(events))
        self._registry.counter(CONNECTOR_BYTES, self.name).inc(size)

    async def _keep(self, parcel: Parcel) -> None:
        try:
            await self._publisher.keep(parcel)
        except SpoolRefusedError as error:
            self._registry.counter(SPOOL_REFUSED, error.cause).inc()
            raise
        if parcel.letters:
            self.count(CONNECTOR_DEAD_LETTERS, by=len(parcel.letters))

    async def take_in_time(self, events: Sequence[Offered], cursors: Sequence[Cursor] = (), size: int = 0) -> None:
        """As `take`, for sources that can wait: asks again until there is room, and says once that it waits."""
        waited = False
        while True:
            try:
                await self.take(events, cursors, size)
            except SpoolRefusedError as error:
                if not waited:
                    log.warning("source_waits", connector=self.name, reason=str(error))
                waited = True
                await asyncio.sleep(RETRY_S)
            else:
                return

    def count(self, metric: Metric, *labels: str, by: int = 1) -> None:
        """Add to a counter of the catalogue whose first label is the connector."""
        self._registry.counter(metric, self.name, *labels).inc(by)

    def gauge(self, metric: Metric, value: float) -> None:
        """Set a gauge of the catalogue whose only label is the connector."""
        self._registry.gauge(metric, self.name).set(value)

    async def cursor(self, name: str) -> str | None:
        """What this source kept last under this name with its events."""
        return await self._publisher.cursor(name)

    async def cursors(self, prefix: str) -> dict[str, str]:
        """All that this source kept under names that begin so."""
        return await self._publisher.cursors(prefix)


def event_of(text: bytes) -> dict[str, Any]:
    """The object that a JSON text is; raises InvalidEventError."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEventError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidEventError("not a JSON object")
    return value


Reader = Callable[[int, bytes], dict[str, Any]]


def read_lines(door: Door, lines: Sequence[tuple[int, bytes]], place: str, read: Reader) -> list[Offered]:
    """The events of numbered lines; each that is none is refused with its number, and blank ones are nothing."""
    found = []
    for number, line in lines:
        if not line.strip():
            continue
        try:
            found.append(door.check(read(number, line), len(line)))
        except InvalidEventError as error:
            door.refuse(f"{place}:{number}", error, line)
    return found
