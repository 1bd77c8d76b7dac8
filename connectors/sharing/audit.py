"""The audit: one row per attempt, before anything is given. Where it cannot be written, nothing is given."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from connectors.timescale.pool import Connection
from schemas.egress import Transfer, Verdict, judge
from schemas.errors import QuaystreamError

Action = Literal["read", "export", "share", "forward", "transfer", "erase", "reveal"]
_NOTE = "SELECT share.note($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_TRANSFERS = "SELECT transfer_id, destination, object, classes, valid_from, valid_until, revoked_at FROM share.transfer"


class EgressRefusedError(QuaystreamError):
    """The egress guard refuses (exit 1)."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who wants what: never a value of a field, only names."""

    action: Action
    object: str
    agency: str | None = None
    contract: str | None = None
    destination: str | None = None
    classes: tuple[str, ...] = ()
    rows: int | None = None


async def note(connection: Connection, attempt: Attempt, verdict: Verdict) -> None:
    """Write one row, in a transaction of its own that may write whatever the role's default says."""
    async with connection.transaction():
        await connection.execute("SET TRANSACTION READ WRITE")
        await connection.execute(
            _NOTE,
            attempt.action,
            "allowed" if verdict.allowed else "refused",
            attempt.object,
            attempt.agency,
            attempt.contract,
            attempt.destination,
            sorted(set(attempt.classes)),
            attempt.rows,
            verdict.reason,
        )


async def guard(connection: Connection, attempt: Attempt, classes: Iterable[str | None], now: datetime) -> None:
    """Let an attempt pass the egress guard, audited either way. Raises EgressRefusedError."""
    found = list(classes)
    verdict = judge(attempt.destination, attempt.object, found, await read_transfers(connection), now)
    await note(connection, attempt, verdict)
    if not verdict.allowed:
        raise EgressRefusedError(f"{attempt.object} may not go to {attempt.destination or 'nowhere'}: {verdict.reason}")


async def read_transfers(connection: Connection) -> list[Transfer]:
    """Every transfer that was ever approved; whether it is valid is for the guard to say."""
    rows = await connection.fetch(_TRANSFERS)
    return [Transfer(**{**dict(row), "classes": frozenset(row["classes"])}) for row in rows]
