"""What every source's settings have in common: a kind, a name for metrics, a check, and the source they make."""

from abc import ABC, abstractmethod
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.edge.door import REFUSED_TO, Source

EventTopic = Literal["crane-events", "gate-events", "cell-events", "cargo-events", "vessel-events"]


class SourceSettings(BaseModel, ABC):
    """A `[[sources]]` table. `name` labels metrics and cursors: keep it when the rest changes.

    `refused_to`: the event topic that takes what becomes no event, as it came, so that its worker keeps it as a dead letter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    refused_to: EventTopic = REFUSED_TO

    @abstractmethod
    def check(self) -> None:
        """Look at what is needed before anything starts; raises ConfigurationError with one line."""

    @abstractmethod
    def source(self) -> Source:
        """The source that these settings describe."""
