"""Texts with holes: `VNHPH-TANVU-{crane}`. A hole is the path of an outside field; nothing else can stand in it."""

import re
from collections.abc import Callable
from typing import Final

_HOLE: Final = re.compile(r"\{([^{}]+)\}")


class Template:
    """A text with holes; raises ValueError for a brace that is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.paths = _HOLE.findall(text)
        if "{" in _HOLE.sub("", text) or "}" in _HOLE.sub("", text):
            raise ValueError(f"{text!r} has a brace that begins or ends no hole: write {{field}}")

    def filled(self, value: Callable[[str], str]) -> str:
        """The text, each hole filled with the value of its path."""
        return _HOLE.sub(lambda found: value(found[1]), self.text)
