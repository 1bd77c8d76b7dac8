"""What a gateway's file says about this source."""

from typing import Literal

from connectors.edge.source_settings import SourceSettings
from connectors.stdin.source import StdinSource


class StdinSettings(SourceSettings):
    """Nothing to say: there is one standard input."""

    kind: Literal["stdin"]

    def check(self) -> None:
        """Nothing can be wrong."""

    def source(self) -> StdinSource:
        """The source."""
        return StdinSource()
