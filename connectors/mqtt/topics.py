"""Topic templates: `tanvu/{crane}/telemetry` says what to subscribe to, and what the levels of a topic are called."""

import re
from typing import Final

from schemas.errors import ConfigurationError

_NAME: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Topic:
    """One template. A level is a word, `{name}` (one level, any word), `+` (the same, without a name), or, last, `#`."""

    def __init__(self, template: str) -> None:
        self.template = template
        levels = template.split("/")
        names = [found[1] for level in levels if (found := _NAME.fullmatch(level))]
        if len(set(names)) != len(names):
            raise ConfigurationError(f"topic {template}: a name stands in it twice")
        for number, level in enumerate(levels, start=1):
            _check(template, level, is_last=number == len(levels))
        self.filter = "/".join("+" if _NAME.fullmatch(level) else level for level in levels)
        self._pattern = re.compile("/".join(map(_pattern, levels)).replace("/.*", "(?:/.*)?"))

    def names_in(self, topic: str) -> dict[str, str] | None:
        """What the named levels of a topic are; None when it is not of this template."""
        found = self._pattern.fullmatch(topic)
        return None if found is None else found.groupdict()


def _check(template: str, level: str, *, is_last: bool) -> None:
    if level == "#" and not is_last:
        raise ConfigurationError(f"topic {template}: # can only be the last level")
    if level not in {"+", "#"} and not _NAME.fullmatch(level) and re.search(r"[{}+#\0]", level):
        raise ConfigurationError(f"topic {template}: {level} is no level: write a word, {{name}}, + or #")


def _pattern(level: str) -> str:
    if found := _NAME.fullmatch(level):
        return f"(?P<{found[1]}>[^/]*)"
    # `#` also stands for the level above it (MQTT 4.7.1.2).
    return {"+": "[^/]*", "#": ".*"}.get(level, re.escape(level))
