"""Cargo: milestones of boxes, stored as they come."""

from schemas.events import cargo
from streams.core.domain import Domain

DOMAIN = Domain("cargo", "cargo-events", cargo.EVENTS)
