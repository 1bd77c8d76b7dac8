"""Brings a database to what the contracts say: roles, keys, contracts, views. One transaction, safe to repeat.

Views of contracts that are no more are dropped, and so are their rows: what is missing is given to nobody.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from connectors.sharing.views import comment_of, view_sql
from schemas.errors import ConfigurationError
from schemas.share import Contract
from schemas.share.masks import pads

VAULT = "quaystream_vault"
API = "quaystream_api"
_FIXED = (VAULT, API)
# Arbitrary, and not migrate's: two applies at a time wait for each other.
_LOCK = 0x7368_6172
_VIEWS = """
SELECT n.nspname || '.' || c.relname AS view, coalesce(obj_description(c.oid, 'pg_class'), '') AS comment
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'share' AND c.relkind = 'v'
"""
_ROLES = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'share\\_%' OR rolname = ANY($1)"
_CONTRACTS = "SELECT contract, digest FROM share.contract"
_UPSERT = """
INSERT INTO share.contract AS c
    (contract, agency, purpose, title, basis, country, sites, valid_from, valid_until, digest)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (contract) DO UPDATE
SET (title, basis, country, sites, valid_from, valid_until, digest, applied_at, revoked_at) =
    (EXCLUDED.title, EXCLUDED.basis, EXCLUDED.country, EXCLUDED.sites, EXCLUDED.valid_from, EXCLUDED.valid_until,
     EXCLUDED.digest, now(), CASE WHEN c.digest = EXCLUDED.digest THEN c.revoked_at END)
"""
_KEY = (
    "INSERT INTO share.agency_key (agency, secret, inner_pad, outer_pad) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
)
_NOTE = "share.note(text, text, text, text, text, text, text[], bigint, text)"
_OF_FIXED = (
    f"GRANT USAGE ON SCHEMA vault TO {VAULT}",
    f"GRANT SELECT, INSERT, DELETE ON vault.name TO {VAULT}",
    f"GRANT SELECT, INSERT ON vault.erasure TO {VAULT}",
    f"GRANT USAGE ON SCHEMA share TO {VAULT}, {API}",
    f"GRANT SELECT (contract, agency, purpose, title, sites, valid_from, valid_until, revoked_at) ON share.contract TO {API}",
    f"GRANT EXECUTE ON FUNCTION {_NOTE} TO {VAULT}, {API}",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done; empty where everything is as the contracts say. Names only, in order."""

    roles: tuple[str, ...]
    contracts: tuple[str, ...]
    views: tuple[str, ...]
    dropped_contracts: tuple[str, ...]
    dropped_views: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not any((self.roles, self.contracts, self.views, self.dropped_contracts, self.dropped_views))

    def lines(self) -> list[str]:
        """In words, one thing a line."""
        said = (
            ("role to make: ", self.roles),
            ("contract to write: ", self.contracts),
            ("view to make: ", self.views),
            ("contract to take away: ", self.dropped_contracts),
            ("view to drop: ", self.dropped_views),
        )
        return [f"{what}{name}" for what, names in said for name in names]


async def plan_of(connection: asyncpg.Connection, contracts: Sequence[Contract]) -> Plan:
    """What `apply` would do."""
    roles = {row[0] for row in await connection.fetch(_ROLES, list(_FIXED))}
    views = {row[0]: row[1] for row in await connection.fetch(_VIEWS)}
    known = {row[0]: row[1] for row in await connection.fetch(_CONTRACTS)}
    wanted = {c.view(dataset): comment_of(c) for c in contracts for dataset in c.datasets}
    return Plan(
        roles=tuple(sorted({*_FIXED, *(c.role for c in contracts)} - roles)),
        contracts=tuple(c.name for c in contracts if known.get(c.name) != c.digest),
        views=tuple(sorted(name for name, comment in wanted.items() if views.get(name) != comment)),
        dropped_contracts=tuple(sorted(set(known) - {c.name for c in contracts})),
        # Views of ours alone: somebody's own view in this schema is not ours to drop.
        dropped_views=tuple(sorted(n for n, said in views.items() if n not in wanted and said.startswith("contract "))),
    )


async def apply(connection: asyncpg.Connection, contracts: Sequence[Contract]) -> Plan:
    """Do it; returns what was done. Raises ConfigurationError where the owner may not make roles."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        plan = await plan_of(connection, contracts)
        await _make_roles(connection, plan.roles)
        for name in (*plan.dropped_views, *plan.views):
            await connection.execute(f"DROP VIEW IF EXISTS {name}")
        await connection.execute("DELETE FROM share.contract WHERE contract = ANY($1)", list(plan.dropped_contracts))
        for contract in contracts:
            await _write(connection, contract, plan)
        for statement in _OF_FIXED:
            await connection.execute(statement)
        # The owner becomes the vault's role for its commands, and has none of its rights beside.
        await connection.execute(f"GRANT {VAULT} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE")
    return plan


async def revoke(connection: asyncpg.Connection, contract: str) -> bool:
    """Close a contract at once, whatever its file says; whether there was one that was open."""
    done = await connection.execute(
        "UPDATE share.contract SET revoked_at = now() WHERE contract = $1 AND revoked_at IS NULL", contract
    )
    return bool(done == "UPDATE 1")


async def _make_roles(connection: asyncpg.Connection, roles: Sequence[str]) -> None:
    for role in roles:
        try:
            await connection.execute(f"CREATE ROLE {role} NOLOGIN")
        except asyncpg.InsufficientPrivilegeError as error:
            raise ConfigurationError(
                "the owner may not make roles: a superuser must run `ALTER ROLE quaystream_owner CREATEROLE`"
            ) from error
        if role not in _FIXED:
            await connection.execute(f"ALTER ROLE {role} SET default_transaction_read_only = on")
            await connection.execute(f"ALTER ROLE {role} SET statement_timeout = '60s'")


async def _write(connection: asyncpg.Connection, contract: Contract, plan: Plan) -> None:
    secret = secrets.token_bytes(32)
    await connection.execute(_KEY, contract.agency, secret, *pads(secret))
    values = (contract.title, contract.basis, contract.country, list(contract.sites))
    times = (contract.valid_from, contract.valid_until)
    await connection.execute(
        _UPSERT, contract.name, contract.agency, contract.purpose, *values, *times, contract.digest
    )
    for dataset in contract.datasets:
        view = contract.view(dataset)
        if view in plan.views:
            await connection.execute(view_sql(contract, dataset))
            await connection.execute(f"COMMENT ON VIEW {view} IS '{comment_of(contract)}'")
        await connection.execute(f"GRANT SELECT ON {view} TO {contract.role}")
    database = await connection.fetchval("SELECT current_database()")
    for role in (contract.role, API):
        await connection.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {role}')
    await connection.execute(f"GRANT USAGE ON SCHEMA share TO {contract.role}")
    # To become an agency for one statement, never to have its rights beside the others'.
    await connection.execute(f"GRANT {contract.role} TO {API} WITH INHERIT FALSE, SET TRUE")
