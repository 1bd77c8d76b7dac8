"""The registry of network counters, schemas/counters.yaml: what a name means, its unit, and the labels that hang on it.

Names are parted here and nowhere else: gateways carry them as the network wrote them, the worker parts them.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, get_args

import yaml

from schemas.units import UNITS

Kind = Literal["CC", "SI", "DER", "OM"]
LABELS: Final = ("5qi", "snssai", "plmn", "bin", "bin_x", "bin_y", "bin_z", "cause", "layer")
E2: Final = "e2"
_FILE: Final = Path(__file__).with_suffix(".yaml")
_BRACES: Final = re.compile(r"\{([^}]*)\}")
_SUFFIX: Final = re.compile(
    r"[._](?:(?:5QI|QoS|QCI)[_=:]?(?P<fiveqi>\d{1,3})"
    r"|S?-?NSSAI[_=:]?(?P<snssai>[0-9A-F]+(?:-[0-9A-F]+)?)"
    r"|PLMN(?:ID)?[_=:]?(?P<plmn>\d{3}-?\d{2,3})"
    r"|Bin[_=:]?(?P<bin>\d{1,5})"
    r"|(?P<sum>sum)"
    r"|(?P<word>[^._]+))(?=[._]|$)",
    re.IGNORECASE,
)
_BINS: Final = ("bin", "bin_x", "bin_y", "bin_z")
_WORDS: Final = ("cause", "layer")


class Counter(NamedTuple):
    """One base name. `unit` is what PM files and VES carry; `e2` what the E2 interface carries, where it differs."""

    name: str
    object: str
    kind: Kind
    unit: str | None
    e2: str | None
    labels: tuple[str, ...]
    clause: str
    aliases: tuple[str, ...]


class Parted(NamedTuple):
    """A measured name: the canonical base name and its labels; a name nobody knows stays whole, without labels."""

    name: str
    labels: Mapping[str, str]
    counter: Counter | None


def _spelled_out(names: str) -> list[str]:
    """`A.{x,y}` → A.x, A.y."""
    parts = _BRACES.split(names)
    choices = [part.split(",") if i % 2 else [part] for i, part in enumerate(parts)]
    return ["".join(words) for words in itertools.product(*choices)]


def _counters(entry: Mapping[str, Any]) -> Iterator[Counter]:
    names = _spelled_out(entry["names"])
    aliases = entry.get("aliases", [])
    if aliases and len(aliases) != len(names):
        raise ValueError(f"{entry['names']}: {len(aliases)} aliases for {len(names)} names")
    for position, name in enumerate(names):
        own = tuple(aliases[position : position + 1])
        yield _checked(
            Counter(
                name,
                entry["object"],
                entry["kind"],
                entry["unit"],
                entry.get("e2"),
                tuple(map(str, entry["labels"])),
                str(entry["clause"]),
                own,
            )
        )


def _checked(counter: Counter) -> Counter:
    if counter.kind not in get_args(Kind):
        raise ValueError(f"{counter.name}: kind {counter.kind}")
    strange = [unit for unit in (counter.unit, counter.e2) if unit is not None and unit not in UNITS]
    strange += [label for label in counter.labels if label not in LABELS]
    if strange:
        raise ValueError(f"{counter.name}: {strange[0]} is neither a unit nor a label we know")
    return counter


def _load() -> tuple[Mapping[str, Counter], Mapping[str, Mapping[str, str]]]:
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    counters = [counter for entry in content["counters"] for counter in _counters(entry)]
    vendors = {vendor.lower(): dict(units) for vendor, units in content["vendors"].items()}
    return MappingProxyType({counter.name: counter for counter in counters}), MappingProxyType(vendors)


COUNTERS, VENDORS = _load()
"""Every known counter by its canonical name; per vendor (lower case) its own units by canonical name."""
_BY_SPELLING: Final = {
    spelling.lower(): counter for counter in COUNTERS.values() for spelling in (counter.name, *counter.aliases)
}
_LONGEST: Final = max(map(len, _BY_SPELLING))


def part(measured: str) -> Parted:
    """Part a measured name into base name and labels: the longest known base wins, and all that follows is labels.

    `DRB.UEThpUl.5QI82` → DRB.UEThpUl, {5qi: 82}. Where what follows is no label of that counter, or one label comes
    twice, the name is kept whole: never guess. `.sum` is the label `aggregate`.
    """
    counter, rest = _base(measured)
    labels = None if counter is None else _labels(counter, rest)
    return Parted(measured, {}, None) if counter is None or labels is None else Parted(counter.name, labels, counter)


def unit_of(counter: Counter, interface: str | None = None, vendor: str | None = None) -> str | None:
    """The unit of values that declare none: the vendor's own, else the interface's (`e2`), else that of TS 28.552."""
    own = VENDORS.get(vendor.lower(), {}).get(counter.name) if vendor and VENDORS else None
    if own is not None:
        return own
    return counter.e2 if interface is not None and interface.lower() == E2 and counter.e2 else counter.unit


def _base(measured: str) -> tuple[Counter | None, str]:
    lowered = measured.lower()
    ends = [i for i in range(min(len(measured), _LONGEST + 1)) if measured[i] in "._"] + [len(measured)]
    for end in reversed(ends):
        counter = _BY_SPELLING.get(lowered[:end])
        if counter is not None:
            return counter, measured[end:]
    return None, measured


def _labels(counter: Counter, rest: str) -> dict[str, str] | None:
    """The labels in `rest`, or None where it holds anything else."""
    labels: dict[str, str] = {}
    bins = iter([name for name in counter.labels if name in _BINS])
    at = 0
    while at < len(rest):
        found = _SUFFIX.match(rest, at)
        if found is None:
            return None
        named = _label(counter, found, bins)
        if named is None or named in labels:
            return None
        labels[named] = found[found.lastgroup or 0]
        at = found.end()
    return labels


def _label(counter: Counter, found: re.Match[str], bins: Iterator[str]) -> str | None:
    match found.lastgroup:
        case "bin":
            return next(bins, None)
        case "sum":
            return "aggregate"
        case "word":
            return next((name for name in _WORDS if name in counter.labels), None)
        case "fiveqi":
            return "5qi"
        case group:
            return group
