"""Classes and purposes of data: what a field is, and what it may be used for (docs/data-protection.md).

An event field says so where it is declared (`schemas/events`); what is derived from events is in `schemas/derived.py`.
Nothing is without a class: `python -m schemas.generate --check` refuses it.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from pydantic import Field
from pydantic.fields import FieldInfo

Class = Literal["public", "commercial", "important", "personal"]
Purpose = Literal["operations", "network", "supervision", "fees", "border", "navigation", "statistics"]

CLASSES: Final[tuple[Class, ...]] = get_args(Class)
"""From the least to the most restricted."""
GUARDED: Final[frozenset[Class]] = frozenset({"important", "personal"})
"""What does not leave the country without an approved transfer (schemas/egress.py)."""
MEANINGS: Final[dict[Purpose, str]] = {
    "operations": "running the terminal",
    "network": "running the private 5G network",
    "supervision": "customs supervision of goods",
    "fees": "duties and infrastructure fees",
    "border": "control of crews and of port gates",
    "navigation": "port entry, berths and departure",
    "statistics": "counts that name nobody",
}
KEPT_DAYS: Final[dict[Class, int | None]] = {"public": None, "commercial": 90, "important": 90, "personal": 30}
"""How long each class is kept where nobody set it otherwise: of rows the raw retention, of keys of pseudonyms the last."""


@dataclass(frozen=True, slots=True)
class Classified:
    """The class of a field or column, and the purposes it may serve, sorted."""

    name: Class
    purposes: tuple[Purpose, ...]

    @property
    def is_guarded(self) -> bool:
        return self.name in GUARDED


def classed(name: Class, *purposes: Purpose, pseudonym: str | None = None) -> Any:
    """The annotation of an event field.

    `pseudonym`: whose name it is, and where that depends on another field of the event, on which: `plate`, or
    `plate if kind=plate`. Its clear value is replaced before it is sent (schemas/pseudonyms.py).
    """
    said: dict[str, Any] = {"classification": name, "purposes": sorted(purposes)}
    return Field(json_schema_extra=said | ({"pseudonym": pseudonym} if pseudonym else {}))


def classified(field: FieldInfo) -> Classified | None:
    """The class of an event field; None where it has none."""
    extra = field.json_schema_extra
    if not isinstance(extra, dict) or "classification" not in extra:
        return None
    name: Any = extra["classification"]
    purposes: Any = extra.get("purposes", ())
    return Classified(name, tuple(purposes))


def strictest(some: "list[Classified]") -> Classified:
    """Of several together: the most restricted class, and only the purposes all of them have."""
    name = max((one.name for one in some), key=CLASSES.index)
    common = set.intersection(*(set(one.purposes) for one in some))
    return Classified(name, tuple(sorted(common)))


MACHINE: Final = classed("commercial", "operations", "network")
"""Readings and states of equipment: what it does, and how fast."""
WEATHER: Final = classed("public", "operations", "navigation", "statistics")
BOX: Final = classed("commercial", "operations", "supervision", "fees", "border")
"""What identifies or describes goods: container, weight, visit."""
CLEARANCE: Final = classed("important", "operations", "supervision", "border")
"""What agencies said, and who was let through: status of customs, security, access."""
CALL: Final = classed("public", "operations", "supervision", "fees", "border", "navigation", "statistics")
RADIO: Final = classed("commercial", "network", "operations")
TOPOLOGY: Final = classed("important", "network", "operations")
"""How the network is built, and what ails it."""
OPERATOR: Final = classed("personal", "operations", pseudonym="operator")
PLATE: Final = classed("personal", "operations", "supervision", "border", pseudonym="plate")
READING: Final = classed("personal", "operations", "supervision", "border", pseudonym="plate if kind=plate")
"""What a camera read: a plate is personal, and nobody knows before reading."""
