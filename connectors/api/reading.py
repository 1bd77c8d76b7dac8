"""Pages of a contract's data: read as the agency's own role, so that what is wrong here still gives nobody else's rows."""

import base64
import binascii
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import asyncpg

from connectors.sharing.audit import Attempt, note
from connectors.timescale.connection import CONNECT_TIMEOUT_S, explain
from connectors.timescale.pool import Connection
from schemas.egress import Verdict
from schemas.errors import ServiceUnreachableError
from schemas.share import Contract, Dataset

LARGEST_PAGE: Final = 1_000
STATEMENT_S: Final = 10
_CURSOR_BYTES: Final = 200


class BadCursorError(Exception):
    """No cursor of ours."""


class NotThereError(Exception):
    """The contract's view is not there, or not open to the agency."""


class Page(NamedTuple):
    """Rows as JSON texts, and the cursor of the next page; None at the end."""

    rows: list[str]
    next: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a dataset: times, site, and where to go on."""

    since: datetime
    until: datetime
    limit: int
    site: str | None = None
    after: tuple[datetime, str] | None = None


class Reader:
    """Reads and audits through a pool of the API's own role."""

    def __init__(self, pool: asyncpg.Pool, dsn: str) -> None:
        self._pool = pool
        self._dsn = dsn

    async def page(self, contract: Contract, dataset: Dataset, question: Question) -> Page:
        """The next rows, oldest first. Raises NotThereError and ServiceUnreachableError."""
        query, values = _query(contract.view(dataset), question)
        async with self._connection() as connection, connection.transaction(readonly=True):
            try:
                await connection.execute(f"SET LOCAL statement_timeout = '{STATEMENT_S}s'")
                await connection.execute(f"SET LOCAL ROLE {contract.role}")
                found = await connection.fetch(query, *values)
            except (asyncpg.UndefinedTableError, asyncpg.UndefinedObjectError, asyncpg.InsufficientPrivilegeError):
                raise NotThereError from None
            except asyncpg.InvalidParameterValueError:  # no such role
                raise NotThereError from None
        rows = found[: question.limit]
        following = cursor_of(rows[-1]["time"], rows[-1]["id"]) if len(found) > question.limit else None
        return Page([row["row"] for row in rows], following)

    async def note(self, attempt: Attempt, verdict: Verdict) -> None:
        """Into the audit. Raises ServiceUnreachableError."""
        async with self._connection() as connection:
            await note(connection, attempt, verdict)

    async def standing(self, names: list[str]) -> set[str]:
        """Which of these contracts stand now."""
        query = (
            "SELECT contract FROM share.contract WHERE contract = ANY($1) AND revoked_at IS NULL "
            "AND valid_from <= now() AND now() < valid_until"
        )
        async with self._connection() as connection:
            return {row[0] for row in await connection.fetch(query, names)}

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
                yield connection
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise explain(error, self._dsn) or ServiceUnreachableError("the database did not answer") from error


def cursor_of(time: datetime, row_id: str) -> str:
    """Opaque; it says where to go on, and gives no right to anything."""
    return base64.urlsafe_b64encode(json.dumps([time.isoformat(), row_id]).encode()).decode().rstrip("=")


def cursor_from(text: str) -> tuple[datetime, str]:
    """Raises BadCursorError."""
    try:
        if len(text) > _CURSOR_BYTES:
            raise BadCursorError
        time, row_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        moment = datetime.fromisoformat(time)
        if moment.tzinfo is None or not isinstance(row_id, str) or "\0" in row_id:
            raise BadCursorError
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise BadCursorError from error
    return moment, row_id


def _query(view: str, question: Question) -> tuple[str, list[Any]]:
    values: list[Any] = [question.since, question.until]
    conditions = ["v.time >= $1", "v.time < $2"]
    if question.site is not None:
        values.append(question.site)
        conditions.append(f"v.site = ${len(values)}")
    if question.after is not None:
        values += question.after
        conditions.append(f"(v.time, v.id) > (${len(values) - 1}, ${len(values)})")
    values.append(question.limit + 1)
    return (
        f"SELECT v.time, v.id, row_to_json(v)::text AS row FROM {view} AS v "  # noqa: S608 (a name of a checked contract)
        f"WHERE {' AND '.join(conditions)} ORDER BY v.time, v.id LIMIT ${len(values)}"
    ), values
