"""Whether a contract stands now, and the agency's key: asked of the database, and no answer is a no."""

from datetime import datetime
from typing import NamedTuple

import asyncpg

from connectors.sharing.audit import Attempt, note, read_transfers
from schemas.egress import Verdict, judge
from schemas.share import Contract

_STANDING = """
SELECT k.secret, c.digest, c.revoked_at IS NOT NULL AS is_revoked
FROM share.contract AS c JOIN share.agency_key AS k USING (agency) WHERE c.contract = $1
"""


class Standing(NamedTuple):
    """The agency's secret where the contract stands, and in words why or why not."""

    key: bytes | None
    verdict: Verdict


async def standing(connection: asyncpg.Connection, contract: Contract, now: datetime) -> Standing:
    """Applied, not revoked, between its times, and allowed by the egress guard."""
    row = await connection.fetchrow(_STANDING, contract.name)
    if row is None:
        return Standing(None, _no("the contract was not applied: quaystream share apply"))
    if row["digest"] != contract.digest:
        return Standing(None, _no("the contract was changed and not applied again"))
    if row["is_revoked"]:
        return Standing(None, _no("the contract was revoked"))
    if not contract.is_valid(now):
        return Standing(None, _no("the contract is not valid now"))
    classes = {name for dataset in contract.datasets for name in dataset.classes()}
    verdict = judge(contract.country, contract.name, classes, await read_transfers(connection), now)
    return Standing(bytes(row["secret"]) if verdict.allowed else None, verdict)


async def note_forwarding(
    connection: asyncpg.Connection, contract: Contract, verdict: Verdict, rows: int | None
) -> None:
    """One row of the audit about what is forwarded, or is not."""
    classes = {name for dataset in contract.datasets for name in dataset.classes()}
    attempt = Attempt(
        "forward", ", ".join(contract.topics()), contract.agency, contract.name, contract.country, tuple(classes), rows
    )
    await note(connection, attempt, verdict)


def _no(reason: str) -> Verdict:
    return Verdict(allowed=False, reason=reason)
