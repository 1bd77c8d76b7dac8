"""How alarms become facts, as data (alarms.yaml), and what tells one alarm from another."""

import hashlib
import json
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import ConfigurationError

FILE: Final = Path(__file__).with_suffix(".yaml")
Origin = Literal["network", "heartbeat"]
SEVERITIES: Final = ("warning", "minor", "major", "critical")
"""From the least to the worst (ITU-T X.733); `cleared` is none of them."""


class AlarmIdentity(NamedTuple):
    """What tells one alarm of a cell from another. `origin`: told by the network, or found by us from heartbeats."""

    cell_id: str
    origin: Origin
    source: str
    condition: str
    interface: str | None = None
    specific_problem: str | None = None

    @property
    def alarm_key(self) -> str:
        """`<cell_id>/<16 hexadecimal digits of the rest>`: texts of any length make a key of one."""
        rest = json.dumps(self[1:], ensure_ascii=False).encode()
        return f"{self.cell_id}/{hashlib.blake2b(rest, digest_size=8).hexdigest()}"

    def alarm_id(self, first_us: int) -> str:
        """The id of the alarm that was told first at that time (epoch µs)."""
        return f"{self.alarm_key}/{first_us}"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HeartbeatRule(_Value):
    """The alarm that a cell raises by its silence."""

    condition: str
    severity: Literal["warning", "minor", "major", "critical"]
    intervals: float = Field(gt=0)


class AlarmRules(_Value):
    """The content of alarms.yaml."""

    flap_window_s: float = Field(ge=0)
    longest_flapping_s: float = Field(gt=0)
    patience_s: float = Field(gt=0)
    heartbeat: HeartbeatRule

    @property
    def flap_window(self) -> timedelta:
        return timedelta(seconds=self.flap_window_s)

    @property
    def longest_flapping(self) -> timedelta:
        return timedelta(seconds=self.longest_flapping_s)

    @property
    def patience(self) -> timedelta:
        return timedelta(seconds=self.patience_s)

    def heartbeat_loss(self, cell_id: str, source: str) -> AlarmIdentity:
        """The alarm of heartbeats that `source` tells of a cell."""
        return AlarmIdentity(cell_id, "heartbeat", source, self.heartbeat.condition)

    def deadline(self, interval_s: float) -> timedelta:
        """How long after a heartbeat with this interval silence is a loss."""
        return timedelta(seconds=self.heartbeat.intervals * interval_s)


@cache
def load_alarm_rules() -> AlarmRules:
    """Raises `ConfigurationError` where the file does not hold."""
    try:
        return AlarmRules.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigurationError(f"schemas/{FILE.name} does not hold together: {error}") from error
