"""The five domains. Each file says which types, which rows, which rollup; `grep crane` tells the whole story."""

from streams.core.domain import Domain
from streams.domains import cargo, cell, crane, gate, vessel

DOMAINS: tuple[Domain, ...] = (crane.DOMAIN, gate.DOMAIN, cell.DOMAIN, cargo.DOMAIN, vessel.DOMAIN)

__all__ = ["DOMAINS"]
