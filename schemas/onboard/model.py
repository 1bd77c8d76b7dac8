"""What a file of `quaystream onboard` says: one site, its gateways and assets, and what is agreed about it."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from schemas.classification import CLASSES, Class
from schemas.identifiers import is_locode
from schemas.kpi import Definition, current_definitions
from schemas.reference import Kind, Site
from schemas.sla import Device, Profile, load_profiles, profiles_of
from schemas.topics import EVENT_TOPICS

Proof = Literal["password", "certificate"]
TOPICS: Final = tuple(topic.name for topic in EVENT_TOPICS)
TOPIC_OF_KIND: Final[Mapping[Kind, str]] = {
    "crane": "crane-events",
    "gate": "gate-events",
    "cell": "cell-events",
    "device": "cell-events",
}
RESERVED: Final = ("broker", "worker", "operator", "viewer")


def _is_site(text: str) -> str:
    locode, dash, place = text.partition("-")
    if not dash or not is_locode(locode):
        raise ValueError(f"{text!r} does not begin with a UN/LOCODE: write VNHPH-TANVU")
    if not (place.isascii() and place.isalnum() and place == place.upper() and 2 <= len(place) <= 16):
        raise ValueError(f"{text!r}: behind the UN/LOCODE write 2 to 16 capitals or digits, as in VNHPH-TANVU")
    return text


def _is_topic(text: str) -> str:
    if text not in TOPICS:
        raise ValueError(f"{text!r} is no event topic: write some of {', '.join(TOPICS)}")
    return text


def _is_principal(text: str) -> str:
    if text in RESERVED:
        raise ValueError(f"{text!r} is the name of a role of ours: choose another")
    return text


def _is_profile(text: str) -> str:
    known = [profile.profile_id for profile in load_profiles()]
    if text not in known:
        raise ValueError(f"{text!r} is no SLA profile: write some of {', '.join(known)}")
    return text


def _is_kpi(text: str) -> str:
    if text not in current_definitions():
        raise ValueError(f"{text!r} is no KPI: `quaystream kpi list` names them")
    return text


def _is_class(text: str) -> str:
    if text not in CLASSES:
        raise ValueError(f"{text!r} is no class: write some of {', '.join(CLASSES)}")
    return text


def _moment(value: Any) -> Any:
    """A day is its midnight in UTC."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise ValueError("write a day such as 2026-01-31, or a time with its offset")


def _clock(value: Any) -> Any:
    """An offset or a time of day in quotes: without them YAML makes a number to base 60 of it."""
    found = re.fullmatch(r"[+-]?(\d{2}):(\d{2})", value) if isinstance(value, str) else None
    if found is None or int(found[1]) > 24 or int(found[2]) > 59:
        raise ValueError('write hours and minutes in quotes, such as "07:00"')
    return value


Clock = Annotated[str, BeforeValidator(_clock)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Source = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*$", max_length=200)]
AssetId = Annotated[str, Field(pattern=r"^[A-Z0-9_]{1,32}$")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
SiteId = Annotated[str, AfterValidator(_is_site)]
TopicName = Annotated[str, AfterValidator(_is_topic)]
PrincipalName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=63), AfterValidator(_is_principal)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ShiftEntry(_Part):
    """A working shift, in the site's own time."""

    name: Text
    start: Clock
    end: Clock


class SiteEntry(_Part):
    """The site: `id` is `<UN/LOCODE>-<terminal>`."""

    id: SiteId
    name: Text
    utc_offset: Clock
    shifts: tuple[ShiftEntry, ...] = ()


class GatewayEntry(_Part):
    """Who speaks for the site: its `source`, which topics it writes, how it proves itself, and at most how much.

    `principal` is its name at the brokers; left out, it is made of the source.
    """

    source: Source
    topics: Annotated[tuple[TopicName, ...], Field(min_length=1)]
    proof: Proof = "password"
    principal: PrincipalName | None = None
    bytes_per_s: Annotated[int, Field(strict=True, ge=1024)] | None = None

    @property
    def name(self) -> str:
        """Its name at the brokers: `/vnhph/tanvu/gw-01` is `vnhph-tanvu-gw-01`."""
        said = self.principal or "".join(c if c.isalnum() else "-" for c in self.source.lower())
        return "-".join(part for part in said.split("-") if part)


class AssetEntry(_Part):
    """One asset: `id` is the last part of its subject."""

    id: AssetId
    kind: Kind
    type: Word
    name: Annotated[str, Field(max_length=200)] = ""
    gateways: Annotated[tuple[Source, ...], Field(min_length=1)]
    lanes: tuple[Word, ...] = ()
    carried_by: AssetId | None = None


class BaselineValue(_Part):
    """What one number was before; `denominator` where that is not what it rests on (`n`)."""

    kpi: Annotated[str, AfterValidator(_is_kpi)]
    value: Annotated[float, Field(strict=True, allow_inf_nan=False)]
    n: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
    sd: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)] | None = None
    denominator: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] | None = None
    part: Text | None = None

    @property
    def definition(self) -> Definition:
        return current_definitions()[self.kpi]

    @property
    def divides_by(self) -> float | None:
        """What the value was divided by: None for a plain count."""
        inputs = self.definition.inputs
        if inputs.denominator is None:
            return None
        return self.n if self.denominator is None else self.denominator

    @property
    def numerator(self) -> float:
        """As in schemas/kpi: value = numerator / denominator * factor."""
        divided = self.divides_by
        return self.value / self.definition.inputs.factor * (1.0 if divided is None else divided)


class Baseline(_Part):
    """Numbers of a period before, to compare with."""

    since: Annotated[Moment, Field(alias="from")]
    until: Annotated[Moment, Field(alias="to")]
    note: Annotated[str, Field(max_length=400)] = ""
    values: Annotated[tuple[BaselineValue, ...], Field(min_length=1)]


class Port(_Part):
    """One file. `retention`: the longest that a class may be kept, in days."""

    entry: Annotated[SiteEntry, Field(alias="site")]
    gateways: Annotated[tuple[GatewayEntry, ...], Field(min_length=1)]
    assets: tuple[AssetEntry, ...] = ()
    sla: tuple[Annotated[str, AfterValidator(_is_profile)], ...] = ()
    retention: dict[Annotated[str, AfterValidator(_is_class)], Annotated[int, Field(strict=True, ge=1)]] = {}
    baselines: tuple[Baseline, ...] = ()

    @property
    def site_id(self) -> str:
        return self.entry.id

    @cached_property
    def site(self) -> Site:
        """As schemas/reference declares one."""
        assets = [asset.model_dump(exclude_none=True) for asset in self.assets]
        sources = [gateway.source for gateway in self.gateways]
        return Site.model_validate({**self.entry.model_dump(), "gateways": sources, "assets": assets})

    def claims(self) -> list[tuple[str, str]]:
        """What nobody else may have: the site, its sources and principals."""
        sources = [("source", gateway.source) for gateway in self.gateways]
        return [("site", self.site_id), *sources, *(("principal", gateway.name) for gateway in self.gateways)]

    def kept(self, name: Class) -> timedelta | None:
        """The longest that a class may be kept here."""
        return timedelta(days=self.retention[name]) if name in self.retention else None

    def judged_by(self, profile: Profile) -> list[str]:
        """The devices of which a profile is asked."""
        return [device.device_id for device in devices_of(self.site) if profile in profiles_of(device)]


def devices_of(site: Site) -> list[Device]:
    """What is known of a site's devices when profiles are chosen."""
    return [
        Device(device_id=asset.asset_id, site=site.site_id, type=asset.type, carried_by=asset.carried_by)
        for asset in site.assets
        if asset.kind == "device"
    ]
