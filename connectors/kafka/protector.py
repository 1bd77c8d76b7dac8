"""Pseudonyms at the first hop: clear names leave events before they are spooled or sent (schemas/pseudonyms.py).

The file of keys is read again when it changes, so that a new period, or a key destroyed, needs no restart.
"""

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from schemas.errors import ConfigurationError
from schemas.pseudonyms import Keys, read_keys
from schemas.signing import Headers

log = structlog.get_logger()

LOOK_S: Final = 1.0
_DECODE: Final = msgspec.json.Decoder().decode
_ENCODE: Final = msgspec.json.Encoder().encode


class Protector:
    """`counts` says how many names were `replaced`, and `withheld` for want of a key. Raises ConfigurationError when made."""

    def __init__(self, file: Path) -> None:
        self.counts: Counter[str] = Counter()
        self._file = file
        self._keys = read_keys(file)
        self._modified = file.stat().st_mtime_ns
        self._looked = time.monotonic()

    def event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """A structured event without clear names."""
        data = event.get("data")
        if not isinstance(data, dict):
            return dict(event)
        kind, subject, time_text = (str(event.get(name, "")) for name in ("type", "subject", "time"))
        protected = self._current().protected(kind, subject, time_text, data)
        self.counts["replaced"] += protected.replaced
        self.counts["withheld"] += protected.withheld
        return {**event, "data": protected.data}

    def record(self, value: bytes | None, headers: Headers) -> bytes | None:
        """The value of a record, structured or binary, without clear names; what is no event stays as it is."""
        try:
            content = _DECODE(value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return value
        if not isinstance(content, dict):
            return value
        before = self.counts.total()
        attributes = {name.lower()[3:]: text for name, text in headers if name.lower().startswith("ce_") and text}
        if attributes and "specversion" not in content:
            said = {name: text.decode("utf-8", "replace") for name, text in attributes.items()}
            content = self.event({**said, "data": content})["data"]
        else:
            content = self.event(content)
        return _ENCODE(content) if self.counts.total() > before else value

    def _current(self) -> Keys:
        now = time.monotonic()
        if now - self._looked >= LOOK_S:
            self._looked = now
            self._look()
        return self._keys

    def _look(self) -> None:
        """Take in what has changed; without a file of keys every name is withheld until there is one again."""
        try:
            modified = self._file.stat().st_mtime_ns
            if modified != self._modified:
                self._keys, self._modified = read_keys(self._file), modified
        except (OSError, ConfigurationError) as error:
            log.warning("no keys of pseudonyms", reason=str(error), meaning="names are withheld until there are")
            self._keys, self._modified = Keys(self._keys.period_days, {}), 0
