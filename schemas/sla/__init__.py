"""SLA profiles as versioned data: what a use of the radio link needs, of which device it is asked, and from which clause.

One YAML file per profile beside this one. Judging is streams/facts/sla_minute.py; who applies them, connectors/timescale/sla.py.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import ConfigurationError

FOLDER: Final = Path(__file__).parent

RadioField = Literal[
    "rsrp_dbm", "rsrq_db", "sinr_db", "rssi_dbm", "cqi", "rtt_ms", "loss_ratio", "uplink_mbps", "downlink_mbps"
]
"""The numbers of `port.radio_sample` that a threshold may be put on."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Threshold(_Value):
    """What must hold of a field.

    `handover` narrows it to readings with (true) or without (false) one: with one, `rtt_ms` holds the handover gap too.
    """

    field: RadioField
    at_least: float | None = None
    at_most: float | None = None
    handover: bool | None = None

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{self.field}: write at_least or at_most, one of them")
        return self

    def holds(self, value: float) -> bool:
        """Whether a value keeps it."""
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is not None and value <= self.at_most


class AppliesTo(_Value):
    """Of which devices, and of which of their readings; what is left empty asks nothing.

    `types` are those of declared assets (AGV, UE …), `carried` a modem that rides on a crane. `otherwise`: also of
    devices that no other profile names by type or carrier, so every device has one. `five_qi` and `slices` choose readings.
    """

    types: tuple[str, ...] = ()
    carried: bool | None = None
    sites: tuple[str, ...] = ()
    otherwise: bool = False
    five_qi: tuple[int, ...] = ()
    slices: tuple[str, ...] = ()

    @property
    def names_devices(self) -> bool:
        """Whether it chooses devices by what they are."""
        return bool(self.types) or self.carried is not None


class Device(_Value):
    """What is known of a device when profiles are chosen: as declared, or nothing but its site."""

    device_id: str
    site: str
    type: str | None = None
    carried_by: str | None = None


class Profile(_Value):
    """One version of one profile.

    `each` is asked of every reading and may fail in `bad_share` of a minute's (0.01: the 99th percentile holds);
    `mean` of the minute's mean. `survival_time_ms` (TS 22.104): a link is down where messages are missing for longer.
    Fewer than `least_readings` in a minute say nothing. `target` is the share of known minutes that must be in profile.
    """

    profile_id: Annotated[str, Field(alias="id", pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: int = Field(ge=1)
    title: str
    source: str
    since: date
    applies_to: AppliesTo
    each: tuple[Threshold, ...] = ()
    mean: tuple[Threshold, ...] = ()
    bad_share: float = Field(default=0.0, ge=0, lt=1)
    transfer_interval_ms: float | None = Field(default=None, gt=0)
    survival_time_ms: float | None = Field(default=None, gt=0)
    least_readings: int = Field(ge=1)
    target: float = Field(gt=0, lt=1)
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.each and not self.mean and self.survival_time_ms is None:
            raise ValueError(f"{self.profile_id}: asks nothing: write each, mean or survival_time_ms")
        if any(threshold.handover is not None for threshold in self.mean):
            raise ValueError(f"{self.profile_id}: a mean is of all readings of a minute, with handovers and without")
        return self

    @property
    def name(self) -> str:
        return f"{self.profile_id}@{self.version}"

    @property
    def digest(self) -> str:
        """Of all that is said but the notes: those may get better."""
        said = self.model_dump(mode="json", exclude={"notes"})
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def fields(self) -> tuple[RadioField, ...]:
        """The fields it reads, each once."""
        loss: tuple[RadioField, ...] = ("loss_ratio",) if self.survival_time_ms is not None else ()
        return tuple(dict.fromkeys([*(t.field for t in (*self.each, *self.mean)), *loss]))

    @property
    def budget_share(self) -> float:
        """The share of known minutes that may be out of profile."""
        return 1 - self.target

    def names(self, device: Device) -> bool:
        """Whether it is asked of a device by what that is, `otherwise` aside."""
        wanted = self.applies_to
        if wanted.sites and device.site not in wanted.sites:
            return False
        if wanted.types and device.type not in wanted.types:
            return False
        return wanted.carried is None or wanted.carried == (device.carried_by is not None)


@cache
def load_profiles() -> tuple[Profile, ...]:
    """Every profile, by id. Raises `ConfigurationError` where a file does not hold."""
    found = tuple(_read(file) for file in sorted(FOLDER.glob("*.yaml")))
    if not any(profile.applies_to.otherwise for profile in found):
        raise ConfigurationError("schemas/sla: no profile is for the devices that no other one names (otherwise: true)")
    return found


def profiles_of(device: Device, profiles: Iterable[Profile] | None = None) -> tuple[Profile, ...]:
    """The profiles asked of a device. At least one: where none names it, those for all others."""
    known = tuple(load_profiles() if profiles is None else profiles)
    named = tuple(one for one in known if one.names(device) and not one.applies_to.otherwise)
    by_kind = any(one.applies_to.names_devices for one in named)
    others = () if by_kind else tuple(_otherwise(device, known))
    return (*named, *others)


def _otherwise(device: Device, profiles: Iterable[Profile]) -> Iterator[Profile]:
    for one in profiles:
        if one.applies_to.otherwise and (not one.applies_to.sites or device.site in one.applies_to.sites):
            yield one


def _read(file: Path) -> Profile:
    try:
        said: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        profile = Profile.model_validate(said)
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigurationError(f"schemas/sla/{file.name} does not hold together: {error}") from error
    if profile.profile_id != file.stem:
        raise ConfigurationError(f"schemas/sla/{file.name} is about {profile.profile_id}: name the file after it")
    return profile
