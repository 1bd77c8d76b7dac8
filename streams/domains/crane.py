"""Cranes: samples, status, faults, jobs and assignments, one row each; samples add to the minute."""

from schemas import tables
from schemas.events import crane
from streams.core.domain import Domain

DOMAIN = Domain("crane", "crane-events", crane.EVENTS, rollups=(tables.CRANE,))
