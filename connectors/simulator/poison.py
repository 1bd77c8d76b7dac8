"""Records that a worker must refuse, each for its own reason, and one that looks strange and must be accepted.

`SPOILED` are letters whose own event is spoiled: they use up its number. `FORGED` are records beside the real
ones, never numbered, because nobody could read a number out of them.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec

from connectors.simulator.envelope import Envelope, Rendered
from connectors.simulator.numbering import Letter
from connectors.simulator.outbox import Fate
from schemas.events import DOMAINS
from schemas.events.model import TYPE_PREFIX
from schemas.outcome import Reason

LARGEST_BYTES: Final = 1_048_576
_DEPTH: Final = 200

Spoiled = Callable[[Letter, Random], tuple[Letter, Fate]]
Forged = Callable[[Letter, Envelope], tuple[Rendered, Fate]]


def _with_data(letter: Letter, data: dict[str, Any]) -> Letter:
    return letter._replace(fact=letter.fact._replace(data=data))


def wrong_type(letter: Letter, dice: Random) -> tuple[Letter, Fate]:
    """A known field with a value of another type."""
    data = letter.fact.data
    field = dice.choice([name for name, value in data.items() if value is not None])
    wrong = 17 if isinstance(data[field], str) else str(data[field])
    return _with_data(letter, data | {field: wrong}), Reason.INVALID_DATA


def nul(letter: Letter, dice: Random) -> tuple[Letter, Fate]:
    """A NUL character in a text."""
    del dice
    return _with_data(letter, letter.fact.data | {"remark": "cut\0off"}), Reason.INVALID_DATA


def infinity(letter: Letter, dice: Random) -> tuple[Letter, Fate]:
    """A number beyond the largest double."""
    del dice
    return _with_data(letter, letter.fact.data | {"ratio": msgspec.Raw(b"1e999")}), Reason.INVALID_DATA


def unknown_field(letter: Letter, dice: Random) -> tuple[Letter, Fate]:
    """A field that the schema does not know: accepted, kept aside."""
    data = letter.fact.data | {"firmware": f"7.{dice.randrange(10)}", "debug": {"cycle_us": dice.randrange(9000)}}
    return _with_data(letter, data), "accepted"


SPOILED: Final[tuple[Spoiled, ...]] = (wrong_type, nul, infinity, unknown_field)


def _replaced(letter: Letter, envelope: Envelope, value: bytes | None) -> Rendered:
    return envelope.render(letter)._replace(value=value)


def _render_with(letter: Letter, envelope: Envelope, literal: bytes) -> Rendered:
    """The letter with one more data field, whose value is written as it stands."""
    return envelope.render(_with_data(letter, letter.fact.data | {"reading": msgspec.Raw(literal)}))


def bad_utf8(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """A byte that begins no character."""
    return _render_with(letter, envelope, b'"\xff"'), Reason.UNDECODABLE


def bad_json(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """Cut off in the middle."""
    whole = envelope.render(letter).value or b""
    return _replaced(letter, envelope, whole[: len(whole) // 2]), Reason.UNDECODABLE


def not_a_number(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """The literal NaN, which is not JSON."""
    return _render_with(letter, envelope, b"NaN"), Reason.UNDECODABLE


def too_deep(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """Lists in lists, 200 levels."""
    return _render_with(letter, envelope, b"[" * _DEPTH + b"]" * _DEPTH), Reason.UNDECODABLE


def null_value(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """A record without a value, as a compacted topic would delete with."""
    return _replaced(letter, envelope, None), Reason.UNDECODABLE


def empty_value(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """A value of no bytes."""
    return _replaced(letter, envelope, b""), Reason.UNDECODABLE


def not_an_object(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """JSON, but a list."""
    return _replaced(letter, envelope, b"[1,2,3]"), Reason.NOT_CLOUDEVENT


def missing_attribute(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """No source."""
    value = envelope.render(letter).value or b""
    return _replaced(letter, envelope, value.replace(b'"source":', b'"origin":', 1)), Reason.NOT_CLOUDEVENT


def other_version(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """CloudEvents 0.3."""
    value = envelope.render(letter).value or b""
    return _replaced(letter, envelope, value.replace(b'"1.0"', b'"0.3"', 1)), Reason.NOT_CLOUDEVENT


def unknown_type(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """A type that nobody declared."""
    topic = envelope.topic_of(letter.fact.type)
    odd = letter._replace(fact=letter.fact._replace(type=f"{letter.fact.type[:-1]}99"))
    return envelope.render(odd, topic), Reason.UNKNOWN_TYPE


def astray(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """A good event in another domain's topic."""
    own = letter.fact.type.removeprefix(TYPE_PREFIX).split(".")[0]
    other = DOMAINS[(DOMAINS.index(own) + 1) % len(DOMAINS)]
    return envelope.render(letter, f"{other}-events"), Reason.UNKNOWN_TYPE


def bad_subject(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """A subject in lower case."""
    value = envelope.render(letter).value or b""
    subject = letter.fact.subject.encode()
    spoiled = value.replace(b'"subject":"' + subject, b'"subject":"' + subject.lower(), 1)
    return _replaced(letter, envelope, spoiled), Reason.BAD_SUBJECT


def missing_time(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """No event time."""
    value = envelope.render(letter).value or b""
    return _replaced(letter, envelope, value.replace(b'"time":', b'"clock":', 1)), Reason.INVALID_DATA


FORGED: Final[tuple[Forged, ...]] = (
    bad_utf8,
    bad_json,
    not_a_number,
    too_deep,
    null_value,
    empty_value,
    not_an_object,
    missing_attribute,
    other_version,
    unknown_type,
    astray,
    bad_subject,
    missing_time,
)


def oversized(letter: Letter, envelope: Envelope) -> tuple[Rendered, Fate]:
    """Just over 1 MiB."""
    padding = b'"' + b"x" * LARGEST_BYTES + b'"'
    return _render_with(letter, envelope, padding), Reason.TOO_LARGE
