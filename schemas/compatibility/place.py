"""Where in a schema a break is, in words."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Place:
    """A field (`path`, dotted, `[]` for the items of a list) of an event type, or the event type itself."""

    name: str
    path: str = ""

    def __str__(self) -> str:
        return f"field {self.path} of {self.name}" if self.path else self.name

    def field(self, name: str) -> "Place":
        return replace(self, path=f"{self.path}.{name}" if self.path else name)

    def inside(self, what: str) -> "Place":
        return replace(self, path=f"{self.path}{what}")
