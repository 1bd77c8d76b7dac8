"""Vessels: milestones of calls, stored as they come."""

from schemas.events import vessel
from streams.core.domain import Domain

DOMAIN = Domain("vessel", "vessel-events", vessel.EVENTS)
