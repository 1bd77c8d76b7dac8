"""What a gateway's file says about this source, beside how the broker is reached."""

from typing import Annotated, Literal

from pydantic import Field

from connectors.csv.mapping import load_mapping
from connectors.mqtt.listener import Listener
from connectors.mqtt.settings import BrokerSettings
from connectors.sparkplug.source import SparkplugReader, Wishes
from connectors.sparkplug.telling import OnDeath, Telling
from schemas.errors import ConfigurationError

Group = Annotated[str, Field(pattern=r"^(\+|[^/+#]+)$")]


class SparkplugSettings(BrokerSettings):
    """`mappings`: what metrics become; a metric that none names is nothing to us.

    `rebirth`: whether a node is asked to say its births again when something of it is missing. `on_death`: `status`:
    cranes of a node or device that died are `off`, and `on` when they are born again. `count`: nothing is said.
    """

    kind: Literal["sparkplug"]
    groups: Annotated[tuple[Group, ...], Field(min_length=1)] = ("+",)
    mappings: Annotated[tuple[str, ...], Field(min_length=1)]
    rebirth: bool = True
    on_death: OnDeath = "status"

    def check(self) -> None:
        """The files can be read, the mappings are right."""
        super().check()
        self._reader()

    def source(self) -> Listener:
        """The source."""
        return Listener(self.access(), self._reader(), self.retained == "take")

    def _reader(self) -> SparkplugReader:
        try:
            mappings = [load_mapping(name) for name in self.mappings]
        except ConfigurationError as error:
            raise ConfigurationError(f"source {self.name}: {error}") from error
        return SparkplugReader(Wishes(self.groups, self.rebirth), Telling(mappings, self.on_death))
