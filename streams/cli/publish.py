"""`publish`: replay a recording through Kafka: CloudEvents, delimited text, VES messages, PM files, trade messages."""

import asyncio
import enum
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from schemas.errors import CheckFailedError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connectors.kafka.outgoing import Outgoing, Refused
    from streams.settings import Settings

    Records = Iterator[Outgoing | Refused]
    Reader = Callable[[timedelta | None], Records]


class Format(enum.StrEnum):
    """What the file holds."""

    CLOUDEVENTS = "cloudevents"
    CSV = "csv"
    VES = "ves"
    PM_XML = "pm-xml"
    EDIFACT = "edifact"
    DCSA = "dcsa"
    TIC = "tic"
    MAPPED = "mapped"


class ShiftTo(enum.StrEnum):
    """Where the last event's time is moved to."""

    NOW = "now"


_NETWORK: frozenset[Format] = frozenset({Format.VES, Format.PM_XML})
_MESSAGES: frozenset[Format] = frozenset({Format.EDIFACT, Format.DCSA, Format.TIC, Format.MAPPED})
_DELIMITED_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
_EDIFACT_SUFFIXES = frozenset({".edi", ".edifact"})
_MAPPINGS = frozenset({".yaml", ".yml"})
_SUBJECTS_SHOWN = 3

File = Annotated[Path, typer.Argument(help="The recording.", exists=True, dir_okay=False, readable=True)]
As = Annotated[Format | None, typer.Option("--format", help="What the file holds; csv when only --map is given.")]
Map = Annotated[
    str | None,
    typer.Option(
        "--map", metavar="MAP", help="A mapping, or what is agreed with a partner: a file, or for csv a shipped name."
    ),
]
Site = Annotated[
    str | None,
    typer.Option(
        metavar="SITE", help="Where what names no site of its own happens, VNHPH-DEEPC2 if not given; not for csv."
    ),
]
Shift = Annotated[ShiftTo | None, typer.Option(help="Move all times so that the last event is now.")]
Rate = Annotated[float | None, typer.Option(min=0.001, metavar="R", help="At most R records a second.")]
Backfill = Annotated[
    bool, typer.Option("--backfill", help="To the back-fill topics: read at a limited rate, beside live events.")
]
TopicName = Annotated[str | None, typer.Option("--topic", help="Not the topic of the event type but this one.")]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def register(app: typer.Typer) -> None:
    app.command()(publish)


def publish(  # noqa: PLR0913, PLR0917  (one per option)
    file: File,
    format: As = None,  # noqa: A002  (the option's name)
    mapping: Map = None,
    site: Site = None,
    shift_to: Shift = None,
    rate: Rate = None,
    topic: TopicName = None,
    backfill: Backfill = False,
    as_json: Json = False,
) -> None:
    """Replay a recording through Kafka; publishing a file twice stores nothing new."""
    from streams.settings import load_settings

    settings = load_settings()
    if site is not None and (format not in _NETWORK | _MESSAGES or format is Format.MAPPED):
        raise ConfigurationError("--site is for --format ves, pm-xml, edifact, dcsa and tic")
    if site is not None and mapping is not None:
        raise ConfigurationError("--site and --map say the same: take one of the two away (a mapping has `site`)")
    source = _source(file, format, (mapping, site), topic)
    read = _as_history(source, topic) if backfill else source
    shift = _shift(read) if shift_to else None
    tally = Tally(file, settings.max_age)
    total = None if format in _NETWORK | _MESSAGES else _lines(file)
    asyncio.run(_send(read(shift), tally, settings, rate, total))
    tally.notes = Counter(getattr(source, "notes", ()))
    print(json.dumps(tally.as_json()) if as_json else tally.text())
    if tally.undecoded:
        raise CheckFailedError(
            f"{tally.undecoded} of {tally.published} records of {file} could not be decoded and were sent on as they are: "
            "the worker keeps them as dead letters"
        )
    if tally.refused:
        raise CheckFailedError(f"{tally.refused} of {tally.refused + tally.published} lines of {file} were refused")


@dataclass
class Tally:
    """What became of a file's lines."""

    file: Path
    max_age: timedelta
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    topics: Counter[str] = field(default_factory=Counter)
    subjects: set[str] = field(default_factory=set)
    refused: int = 0
    too_old: int = 0
    undecoded: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None

    @property
    def published(self) -> int:
        return self.topics.total()

    def count(self, record: "Outgoing") -> None:
        self.topics[record.topic] += 1
        self.undecoded += record.undecoded is not None
        if record.key is not None:
            self.subjects.add(record.key.decode(errors="replace"))
        if record.time is not None:
            self.first = min(self.first or record.time, record.time)
            self.last = max(self.last or record.time, record.time)
            self.too_old += record.time < self.started - self.max_age

    def text(self) -> str:
        topics = ", ".join(f"{count} to {topic}" for topic, count in sorted(self.topics.items()))
        names = sorted(self.subjects)
        more = f" and {len(names) - _SUBJECTS_SHOWN} more" if len(names) > _SUBJECTS_SHOWN else ""
        of = f" of {', '.join(names[:_SUBJECTS_SHOWN])}{more}" if names else ""
        times = f", {_text(self.first)} to {_text(self.last)}" if self.first else ""
        noted = "".join(f" Noted: {what}, {count} times." for what, count in sorted(self.notes.items()))
        return f"Published {topics or 'nothing'}{of}{times}; refused {self.refused + self.undecoded}.{noted}"

    def as_json(self) -> dict[str, object]:
        return {
            "file": str(self.file),
            "published": self.published,
            "refused": self.refused,
            "undecoded": self.undecoded,
            "notes": dict(self.notes),
            "too_old": self.too_old,
            "topics": dict(self.topics),
            "subjects": sorted(self.subjects),
            "first_time": _text(self.first),
            "last_time": _text(self.last),
        }


def _text(moment: datetime | None) -> str | None:
    from connectors.kafka.outgoing import time_text

    return None if moment is None else time_text(moment)


def _source(file: Path, held: Format | None, said: tuple[str | None, str | None], topic: str | None) -> "Reader":
    """What reads the file; `said` are the mapping and the site that were given, at most one of them."""
    mapping, site = said
    if held in _NETWORK:
        return _network_reader(file, held, mapping or site, topic)
    if held in _MESSAGES:
        from connectors.messages.formats import decoder_of
        from connectors.messages.records import MessageFile

        return MessageFile(file, decoder_of(Format(held or Format.EDIFACT).value, mapping, site), topic)
    return _reader(file, held, mapping, topic)


def _reader(file: Path, held: Format | None, mapping: str | None, topic: str | None) -> "Reader":
    """What reads the file, given by how much to shift it."""
    if held is Format.CLOUDEVENTS and mapping is not None:
        raise ConfigurationError("--map is for --format csv: take one of the two away")
    if held is Format.CSV or mapping is not None:
        return _mapped_reader(file, mapping, topic)
    if held is None and file.suffix in _DELIMITED_SUFFIXES:
        raise ConfigurationError(f"{file} looks like delimited text: add --map MAP (or --format cloudevents)")
    if held is None and file.suffix in _EDIFACT_SUFFIXES:
        raise ConfigurationError(f"{file} looks like EDIFACT: add --format edifact (or --format cloudevents)")
    from connectors.kafka.recording import read_recording

    return partial(read_recording, file, topic)


def _network_reader(file: Path, held: Format | None, named: str | None, topic: str | None) -> "Reader":
    """What reads VES messages or a PM file; `named` is a site or a file that says which element is which asset."""
    from connectors.network.files import NetworkFile
    from connectors.network.subjects import SITE, load_subjects, subjects_at

    is_file = named is not None and Path(named).suffix in _MAPPINGS
    subjects = load_subjects(str(named)) if is_file else subjects_at(named or SITE)
    return NetworkFile(file, Format(held or Format.VES).value, subjects, topic)


def _mapped_reader(file: Path, name: str | None, topic: str | None) -> "Reader":
    from dataclasses import replace

    from connectors.csv.events import origin_of, read_events
    from connectors.csv.mapping import load_mapping
    from schemas.topics import TOPIC_BY_TYPE

    if name is None:
        raise ConfigurationError("--format csv needs a mapping: add --map MAP (a YAML file, or a shipped name: cicv5g)")
    mapping = load_mapping(name)
    goes_to = topic or TOPIC_BY_TYPE[mapping.type].name
    origin = origin_of(file)
    return lambda shift: read_events(file, mapping, replace(origin, shift=shift), goes_to)


def _as_history(read: "Reader", topic: str | None) -> "Reader":
    """The same records for the back-fill topics; a line for a topic that has none is refused."""
    from dataclasses import replace

    from connectors.kafka.outgoing import Refused
    from schemas.topics import BACKFILL_OF

    if topic is not None:
        raise ConfigurationError("--backfill says which topic, and so does --topic: take one of the two away")

    def history(record: "Outgoing | Refused") -> "Outgoing | Refused":
        if isinstance(record, Refused):
            return record
        if record.topic not in BACKFILL_OF:
            return Refused(record.line, f"{record.topic} has no back-fill topic")
        return replace(record, topic=BACKFILL_OF[record.topic])

    return lambda shift: map(history, read(shift))


def _shift(read: "Reader") -> timedelta:
    """From the time of the last event to now. Milliseconds, as a recording's times mostly are."""
    from connectors.kafka.outgoing import Refused

    times = (record.time for record in read(None) if not isinstance(record, Refused))
    latest = max((time for time in times if time is not None), default=None)
    if latest is None:
        raise ConfigurationError("no event time to shift: the file has no event, or whole records (simulate --start)")
    span = datetime.now(UTC) - latest
    return timedelta(milliseconds=span // timedelta(milliseconds=1))


async def _send(records: "Records", tally: Tally, settings: "Settings", rate: float | None, total: int | None) -> None:
    from connectors.kafka.outgoing import Refused
    from connectors.kafka.producer import Publisher
    from streams.cli.access import kafka_access

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    access = kafka_access(settings)
    protector = access.protector()
    async with Publisher(access) as publisher:
        with bar:
            task = bar.add_task(f"Publish {tally.file.name}", total=total)
            started = asyncio.get_running_loop().time()
            for record in records:
                bar.update(task, completed=record.line)
                if isinstance(record, Refused):
                    tally.refused += 1
                    console.print(f"{tally.file}:{record.line}: {record.reason}", markup=False)
                    continue
                if record.undecoded is not None:
                    console.print(f"{tally.file}: sent on undecoded: {record.undecoded}", markup=False)
                await _wait_for_turn(started, tally.published, rate)
                value = protector.record(record.value, record.headers) if protector else record.value
                await publisher.send(record.topic, record.key, value, record.headers)
                tally.count(record)
    _warn_of_age(tally)


async def _wait_for_turn(started: float, published: int, rate: float | None) -> None:
    if rate is not None:
        due = started + published / rate
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))


def _lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)


def _warn_of_age(tally: Tally) -> None:
    from streams.settings import span_text

    if tally.too_old:
        print(
            f"quaystream: {tally.too_old} of {tally.published} events are older than "
            f"QUAYSTREAM_MAX_AGE={span_text(tally.max_age)}: the worker refuses them as too_old. "
            "Raise QUAYSTREAM_MAX_AGE (retention follows it), or use --shift-to now.",
            file=sys.stderr,
        )
