"""EDIFACT syntax, ISO 9735: service string advice, release characters, segments. No meaning here.

Texts are one character a byte (ISO 8859-1) until their interchange says which repertoire they are in.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from connectors.messages.said import RefusedPartError

# Old systems end a file with the control character SUB.
_BLANKS: Final = " \t\r\n\x1a"
_TAG: Final = re.compile(r"[A-Z][A-Z0-9]{2}")
# ISO 9735-1: A and B are the letters and signs of ASCII, C is ISO 8859-1.
REPERTOIRES: Final = {"UNOA": "ascii", "UNOB": "ascii", "UNOC": "latin-1"}


class Signs(NamedTuple):
    """The separators, in the order of UNA. `release` is empty where UNA has a blank for it: none is used."""

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    terminator: str = "'"


DEFAULT: Final = Signs()


class Segment(NamedTuple):
    """`elements` are data elements without the tag, each a tuple of components. `number` counts from 1 in its message."""

    tag: str
    elements: tuple[tuple[str, ...], ...]
    number: int = 0

    def get(self, element: int, component: int = 0) -> str:
        """A component, blanks at its ends off; empty where the segment is shorter."""
        if element < len(self.elements) and component < len(self.elements[element]):
            return self.elements[element][component].strip()
        return ""


def signs_of(text: str) -> tuple[Signs, str]:
    """The signs that a text declares, or the usual ones, and what follows them. Raises RefusedPartError."""
    text = text.lstrip(_BLANKS)
    if not text.startswith("UNA"):
        return DEFAULT, text
    given = text[3:9]
    needed = given[:2] + given[5:]
    used = needed + given[3:4].strip()
    if len(needed) < 3 or needed != needed.strip() or len(set(used)) < len(used):
        raise RefusedPartError(f"UNA does not name its separators: {given!r}")
    return Signs(given[0], given[1], given[2], given[3].strip(), given[5]), text[9:]


def is_advice(raw: str, signs: Signs) -> bool:
    """Whether a text between terminators declares these signs once more, as interchanges put behind each other do."""
    return raw.startswith("UNA") and raw[3:7] == "".join(signs[:3]) + (signs.release or " ")


def raw_segments(text: str, signs: Signs) -> Iterator[tuple[str, bool]]:
    """The texts between terminators, line breaks around them off; False with the last when no terminator ends it."""
    *whole, rest = _parts(text, signs.terminator, signs.release)
    for part in whole:
        yield part.lstrip(_BLANKS), True
    if rest.strip(_BLANKS):
        yield rest.lstrip(_BLANKS), False


def segment_of(raw: str, signs: Signs, number: int) -> Segment:
    """A segment's parts. Raises RefusedPartError where there is no tag."""
    if signs.release and signs.release in raw:
        elements = tuple(
            tuple(_plain(part, signs.release) for part in _parts(element, signs.component, signs.release))
            for element in _parts(raw, signs.element, signs.release)
        )
    else:
        elements = tuple([tuple(element.split(signs.component)) for element in raw.split(signs.element)])
    tag = elements[0][0]
    if not _TAG.fullmatch(tag):
        raise RefusedPartError(f"segment {number}: {raw[:20]!r} does not begin with a tag")
    return Segment(tag, elements[1:], number)


def text_of(segment: Segment, signs: Signs = DEFAULT) -> str:
    """A segment as it is written, without empty parts at its ends, and with its terminator."""
    elements = [_joined([_escaped(part, signs) for part in element], signs.component) for element in segment.elements]
    return _joined([segment.tag, *elements], signs.element) + signs.terminator


def _joined(parts: list[str], sign: str) -> str:
    while parts and not parts[-1]:
        parts.pop()
    return sign.join(parts)


def _escaped(text: str, signs: Signs) -> str:
    special = re.escape(signs.component + signs.element + signs.release + signs.terminator)
    return re.sub(f"([{special}])", lambda found: signs.release + found[1], text)


def _parts(text: str, sign: str, release: str) -> list[str]:
    """Split at every sign that no release character stands before."""
    parts = text.split(sign)
    if not release or release not in text:
        return parts
    whole: list[list[str]] = []
    joins = False
    for part in parts:
        if joins:
            whole[-1].append(part)
        else:
            whole.append([part])
        joins = (len(part) - len(part.rstrip(release))) % 2 == 1
    return [sign.join(pieces) for pieces in whole]


def _plain(text: str, release: str) -> str:
    if not release or release not in text:
        return text
    return re.sub(re.escape(release) + "(.)", r"\1", text, flags=re.DOTALL)
