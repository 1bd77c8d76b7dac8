"""Gates: steps of a visit and camera readings, one row each; both add to the lane's minute."""

from schemas import tables
from schemas.events import gate
from streams.core.domain import Domain

DOMAIN = Domain("gate", "gate-events", gate.EVENTS, rollups=(tables.GATE,))
