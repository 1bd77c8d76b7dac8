"""More sites than are declared, to try how many look and cost: each is like a declared one, by another name (trial.yaml)."""

from functools import cache
from os.path import commonprefix
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from schemas.errors import ConfigurationError
from schemas.reference import Asset, Site, load_sites

FILE: Final = Path(__file__).with_name("trial.yaml")


class _Copy(NamedTuple):
    id: str
    name: str
    like: str


def trial_sites(count: int) -> tuple[Site, ...]:
    """The first `count` sites, those that are declared before all others.

    Raises `ConfigurationError` for fewer than one and for more than there are.
    """
    every = (*load_sites(), *_copied())
    if not 1 <= count <= len(every):
        raise ConfigurationError(f"{count} sites: there are 1 to {len(every)}")
    return every[:count]


@cache
def _copied() -> tuple[Site, ...]:
    declared = {site.site_id: site for site in load_sites()}
    copies = [_Copy(**entry) for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))["sites"]]
    return tuple(_copy(declared[copy.like], copy) for copy in copies)


def _copy(site: Site, copy: _Copy) -> Site:
    """The same assets, gateways and shifts under another id and name."""
    called = commonprefix([asset.name for asset in site.assets]).rstrip()  # noqa: RUF071  (of characters is meant)

    def moved(asset: Asset) -> Asset:
        carrier = asset.carried_by and asset.carried_by.replace(site.site_id, copy.id)
        return asset.model_copy(
            update={
                "asset_id": asset.asset_id.replace(site.site_id, copy.id),
                "site_id": copy.id,
                "name": asset.name.replace(called, copy.name),
                "gateways": _sources(asset.gateways, site.site_id, copy.id),
                "carried_by": carrier,
            }
        )

    return site.model_copy(
        update={
            "site_id": copy.id,
            "name": copy.name,
            "gateways": _sources(site.gateways, site.site_id, copy.id),
            "assets": tuple(map(moved, site.assets)),
        }
    )


def _sources(sources: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    """`/vnhph/tanvu/gw-03` of VNHPH-TANVU as `/vnhph/lach1/gw-03` of VNHPH-LACH1."""
    before, after = ("/" + site.lower().replace("-", "/") + "/" for site in (old, new))
    return tuple(source.replace(before, after) for source in sources)
