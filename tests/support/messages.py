"""Messages of trade for tests: the samples, the golden pairs, and readers with everything they said."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from connectors.messages.formats import FORMATS
from connectors.messages.partner import checked
from connectors.messages.said import Said, Told, Untold

MESSAGES = Path(__file__).parents[1] / "data/messages"
GOLDEN = MESSAGES / "golden"


def said(form: str, content: bytes | str, **agreed: Any) -> tuple[list[Said], Counter[str]]:
    """What a reader says of a content, and what it noted."""
    notes: Counter[str] = Counter()
    partner = checked(FORMATS[form].partner, agreed, "test")
    text = content.encode("latin-1" if form == "edifact" else "utf-8") if isinstance(content, str) else content
    return list(FORMATS[form].decode(text, notes, partner)), notes


def events(form: str, content: bytes | str, **agreed: Any) -> list[dict[str, Any]]:
    """The events of a content of which every part is one."""
    found, _ = said(form, content, **agreed)
    assert [part for part in found if isinstance(part, Untold)] == []
    return [part.event for part in found if isinstance(part, Told)]


def refusals(form: str, content: bytes | str, **agreed: Any) -> list[str]:
    """Why parts become no event."""
    return [part.why for part in said(form, content, **agreed)[0] if isinstance(part, Untold)]


def without_identity(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events as they are told: type, subject, time and data."""
    return [{name: event[name] for name in ("type", "subject", "time", "data")} for event in found]


def golden(name: str) -> list[dict[str, Any]]:
    """The events of a golden pair."""
    loaded: list[dict[str, Any]] = json.loads((GOLDEN / f"{name}.events.json").read_text(encoding="utf-8"))
    return loaded
