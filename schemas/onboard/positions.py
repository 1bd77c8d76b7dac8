"""YAML with the line of everything in it, so that a fault can say where it is. Reads; knows nothing of sites."""

from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = tuple[str | int, ...]
_TOP: Final[Path] = ()


class Document:
    """What a text says, and on which line each part of it begins. Raises `yaml.YAMLError` for what is not YAML."""

    def __init__(self, text: str) -> None:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            self.said: Any = None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
        self.twice: list[Path] = []
        self._lines = {_TOP: 1} if node is None else dict(self._walk(node, _TOP))

    def line(self, path: Path) -> int:
        """The line of a part; of a part that is not there, of what it should be in."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _walk(self, node: Node, path: Path) -> Iterator[tuple[Path, int]]:
        yield path, node.start_mark.line + 1
        if isinstance(node, SequenceNode):
            for position, inner in enumerate(node.value):
                yield from self._walk(inner, (*path, position))
        elif isinstance(node, MappingNode):
            seen: set[str] = set()
            for key, inner in node.value:
                name = str(key.value) if isinstance(key, ScalarNode) else "?"
                if name in seen:
                    self.twice.append((*path, name))
                seen.add(name)
                yield from self._walk(inner, (*path, name))


def written(path: Path) -> str:
    """`gateways[1].topics[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
