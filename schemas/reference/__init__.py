"""Reference data: the declared sites and assets. The data is sites.yaml; this reads and checks it."""

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import ConfigurationError
from schemas.identifiers import is_subject

FILE = Path(__file__).with_name("sites.yaml")
Kind = Literal["crane", "gate", "cell", "device"]


def _offset(text: Any) -> timedelta:
    """`+07:00`, `-02:30` or `06:00` as a duration."""
    sign = -1 if str(text).startswith("-") else 1
    hours, minutes = str(text).lstrip("+-").split(":")
    return sign * timedelta(hours=int(hours), minutes=int(minutes))


def _is_source(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is not a source such as /vnhph/tanvu/gw-03")
    return text


Offset = Annotated[timedelta, BeforeValidator(_offset)]
Source = Annotated[str, AfterValidator(_is_source)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Shift(_Value):
    """A working shift: `start` and `end` are offsets from local midnight; an `end` before `start` is the next day's."""

    name: str
    start: Offset
    end: Offset


class Asset(_Value):
    """One declared asset; `asset_id` is the whole subject.

    `type` is what it is within its kind (STS, RTG, UE, AGV, ROBOT, SENSOR …), `lanes` are a gate's, `carried_by` is the
    crane (asset id) that a modem rides on.
    """

    asset_id: Annotated[str, Field(alias="id")]
    site_id: str
    kind: Kind
    type: str
    name: str
    gateways: Annotated[tuple[Source, ...], Field(min_length=1)]
    lanes: tuple[str, ...] = ()
    carried_by: str | None = None

    @model_validator(mode="after")
    def _has_a_subject_of_its_site(self) -> Self:
        if not is_subject(self.asset_id) or not self.asset_id.startswith(f"{self.site_id}-"):
            raise ValueError(f"{self.asset_id!r} is no subject of site {self.site_id}")
        return self


class Site(_Value):
    """A terminal or factory: its clock, shifts, the sources that speak for it, and its assets."""

    site_id: Annotated[str, Field(alias="id")]
    name: str
    utc_offset: Offset
    shifts: tuple[Shift, ...]
    gateways: tuple[Source, ...]
    assets: tuple[Asset, ...]

    @model_validator(mode="before")
    @classmethod
    def _spell_out_asset_ids(cls, declared: Any) -> Any:
        """In the file an asset's id is the last part of its subject."""
        site_id = declared["id"]
        assets = [_with_whole_ids(asset, site_id) for asset in declared["assets"]]
        return {**declared, "assets": assets}

    @model_validator(mode="after")
    def _is_closed(self) -> Self:
        ids = [asset.asset_id for asset in self.assets]
        used = {source for asset in self.assets for source in asset.gateways}
        carriers = {asset.carried_by for asset in self.assets if asset.carried_by}
        problems = (
            [asset_id for asset_id in set(ids) if ids.count(asset_id) > 1]
            + sorted(used - set(self.gateways))
            + sorted(carriers - set(ids))
        )
        if problems:
            raise ValueError(f"{self.site_id}: declared twice, or used and not declared: {problems}")
        return self


def _with_whole_ids(asset: dict[str, Any], site_id: str) -> dict[str, Any]:
    whole = {**asset, "id": f"{site_id}-{asset['id']}", "site_id": site_id}
    if "carried_by" in asset:
        whole["carried_by"] = f"{site_id}-{asset['carried_by']}"
    return whole


@cache
def load_sites() -> tuple[Site, ...]:
    """Every declared site with its assets, in the order of the file.

    Raises `ConfigurationError` where the file does not hold together.
    """
    try:
        return tuple(Site.model_validate(site) for site in yaml.safe_load(FILE.read_text(encoding="utf-8"))["sites"])
    except (ValidationError, yaml.YAMLError, KeyError) as error:
        raise ConfigurationError(f"schemas/reference/{FILE.name} does not hold together: {error}") from error


def declared_sources() -> frozenset[str]:
    """Every declared source: the bound of metrics labelled by source."""
    return frozenset(source for site in load_sites() for source in site.gateways)
