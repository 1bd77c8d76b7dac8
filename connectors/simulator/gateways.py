"""The gateways of the declared sites, as the simulation speaks through them.

A simulated gateway adds the run to its source, so that two runs, or a run and the real port, never share an identity.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from schemas.reference import Asset, Kind, Site, load_sites

# One gateway of cells and one of a gate use binary mode; all others structured.
_BINARY: Final = frozenset({"/vnhph/dinhvu/ems-01", "/vnhph/deepc2/gw-03"})


@dataclass(frozen=True, slots=True)
class Gateway:
    """Who sends. `numbered` ones write `bootid` and `sequence`; `offset_s` is the UTC offset they write times with."""

    source: str
    numbered: bool
    mode: Literal["structured", "binary"]
    offset_s: int

    def structured(self) -> "Gateway":
        """The same gateway, writing structured mode."""
        return replace(self, mode="structured")


@dataclass(frozen=True, slots=True)
class Place:
    """One site and its simulated gateways by declared source."""

    site: Site
    gateways: Mapping[str, Gateway]
    office: Gateway
    """The terminal operating system: speaks for boxes and calls, which nobody declares; it does not number."""

    @property
    def site_id(self) -> str:
        return self.site.site_id

    def assets(self, kind: Kind, *types: str) -> tuple[Asset, ...]:
        """The declared assets of a kind (and types, when given)."""
        return tuple(a for a in self.site.assets if a.kind == kind and (not types or a.type in types))

    def gateway_of(self, asset: Asset) -> Gateway:
        """The gateway that speaks for an asset."""
        return self.gateways[asset.gateways[0]]


def places(run: str, sites: Iterable[Site] | None = None) -> tuple[Place, ...]:
    """Every declared site, or those given, its gateways renamed for `run`."""
    return tuple(_place(site, run) for site in (load_sites() if sites is None else sites))


def _place(site: Site, run: str) -> Place:
    speaking = {source for asset in site.assets for source in asset.gateways}
    local = {source for asset in site.assets if asset.kind == "gate" for source in asset.gateways}
    offset_s = int(site.utc_offset.total_seconds())
    gateways = {
        source: Gateway(
            source=f"{source}/sim-{run}",
            numbered=source in speaking,
            mode="binary" if source in _BINARY else "structured",
            offset_s=offset_s if source in local else 0,
        )
        for source in site.gateways
    }
    office = next(gateway for source, gateway in gateways.items() if source not in speaking)
    return Place(site, gateways, office)
