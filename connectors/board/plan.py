"""Which statement is asked how often, and how far back each looks."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from connectors.board import queries
from schemas.board import WINDOW_MINUTES

POLL_S: Final = 0.6
SOON_S: Final = 10.0
SELDOM_S: Final = 60.0
MONTH: Final = timedelta(days=31)
DAY: Final = timedelta(days=1)
WINDOW: Final = timedelta(minutes=WINDOW_MINUTES)


@dataclass(frozen=True, slots=True)
class Question:
    """`back`: how far back $1 is, None without a parameter. `thorough`: how far at the start and every minute.

    With `thorough` the answers are the newest row of each asset, and are kept until a newer one comes.
    """

    name: str
    text: str
    every_s: float
    back: timedelta | None = None
    thorough: timedelta | None = None


PLAN: Final = (
    Question("pipeline", queries.PIPELINE, POLL_S),
    Question("status", queries.CRANE_STATUS, POLL_S, timedelta(minutes=15), MONTH),
    Question("fault", queries.CRANE_FAULT, POLL_S, timedelta(minutes=15), MONTH),
    Question("crane_minute", queries.CRANE_MINUTE, POLL_S, timedelta(minutes=5), DAY),
    Question("gate_minute", queries.GATE_MINUTE, POLL_S, timedelta(minutes=5), DAY),
    Question("radio_minute", queries.RADIO_MINUTE, POLL_S, timedelta(minutes=5), DAY),
    Question("boxes", queries.BOXES, POLL_S, WINDOW),
    Question("waiting", queries.WAITING, POLL_S, DAY),
    Question("alarms", queries.ALARMS, POLL_S, MONTH),
    Question("observed", queries.OBSERVED, SOON_S, WINDOW),
    Question("entered", queries.ENTERED, SOON_S, WINDOW),
    Question("left", queries.LEFT, SOON_S, WINDOW),
    Question("sla", queries.SLA, SOON_S, WINDOW),
    Question("calls", queries.CALLS, SOON_S, MONTH),
    Question("completeness", queries.COMPLETENESS, SOON_S),
    Question("sites", queries.SITES, SELDOM_S),
    Question("assets", queries.ASSETS, SOON_S),
    Question("profiles", queries.PROFILES, SELDOM_S),
)
