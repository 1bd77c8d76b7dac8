"""Looking: asks the database what is due, and keeps the answers. One look serves every viewer."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import cast

import asyncpg

from connectors.board.memory import Answers, Row
from connectors.board.plan import PLAN, SELDOM_S, Question
from connectors.timescale.connection import explain
from connectors.timescale.deadlines import CONNECT_TIMEOUT_S
from connectors.timescale.pool import Pool

# Less than a turn's jitter early is on time.
_SLACK_S = 0.2
# A look that takes longer is given up: the database is as good as away.
PATIENCE_S = 10.0


_SESSION = {
    "application_name": "quaystream board",
    "timezone": "UTC",
    "statement_timeout": "8s",
    # Many small statements: to compile one costs more than to run it.
    "jit": "off",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


async def open_eye(dsn: str) -> Pool:
    """A pool of one connection, made when first needed and again when it broke. The reader's role is read-only."""
    return await asyncpg.create_pool(
        dsn, min_size=0, max_size=1, timeout=CONNECT_TIMEOUT_S, command_timeout=PATIENCE_S, server_settings=_SESSION
    )


class Looker:
    """Asks with one connection of `pool` to the database at `dsn`."""

    def __init__(self, pool: Pool, dsn: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._dsn = dsn
        self._clock = clock
        self._asked: dict[str, float] = {}
        self._answers: dict[str, Sequence[Row]] = {}

    async def look(self) -> Answers:
        """The newest answer to every question; those with `thorough` answer only with rows found in this look.

        Raises ServiceUnreachableError or ConfigurationError while the database cannot be read; the next look asks again.
        """
        try:
            return await asyncio.wait_for(self._look(), PATIENCE_S)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            explained = explain(error, self._dsn)
            if explained is None:
                raise
            self._asked.clear()
            raise explained from error

    async def _look(self) -> Answers:
        async with self._pool.acquire() as connection:
            at: datetime = await connection.fetchval("SELECT now()")
            for question in PLAN:
                if self._is_due(question.name, question.every_s):
                    rows = await connection.fetch(question.text, *self._since(question, at))
                    self._answers[question.name] = cast("Sequence[Row]", rows)
        return dict(self._answers)

    def _since(self, question: Question, at: datetime) -> tuple[datetime, ...]:
        is_thorough = question.thorough is not None and self._is_due(f"{question.name} thoroughly", SELDOM_S)
        back = question.thorough if is_thorough else question.back
        return () if back is None else (at - back,)

    def _is_due(self, name: str, every_s: float) -> bool:
        now = self._clock()
        if now - self._asked.get(name, -every_s) < every_s - _SLACK_S:
            return False
        self._asked[name] = now
        return True
