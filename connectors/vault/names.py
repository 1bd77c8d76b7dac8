"""Clear names under lock: sealed before they leave this process, opened only with the site's key; and erased with it.

AES-256-GCM under a key derived from the period's, bound to site and pseudonym. The database holds no key.
"""

import hashlib
import hmac
import os
from collections.abc import Iterable
from typing import Final, NamedTuple

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.vault.keys import Period, digest_of
from schemas.errors import CheckFailedError

ROLE: Final = "quaystream_vault"
_NONCE_BYTES: Final = 12
_PUT: Final = """
INSERT INTO vault.name (site, period, pseudonym, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT (site, pseudonym) DO NOTHING
"""
_LAST: Final = "SELECT digest FROM vault.erasure ORDER BY erasure_id DESC LIMIT 1"
_PROOF: Final = """
INSERT INTO vault.erasure (site, period, key_digest, names, reason, previous, digest) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_PROOFS: Final = """
SELECT erasure_id, at, who, site, period, key_digest, names, reason, previous, digest FROM vault.erasure ORDER BY erasure_id
"""
_LOCK: Final = 0x7661_756C


class Name(NamedTuple):
    """A clear name and its pseudonym."""

    pseudonym: str
    clear: str


def seal(key: bytes, site: str, name: Name) -> bytes:
    """Nonce and ciphertext."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_vault_key(key)).encrypt(nonce, name.clear.encode(), _bound(site, name.pseudonym))


def unseal(key: bytes, site: str, pseudonym: str, sealed: bytes) -> str:
    """The clear name. Raises CheckFailedError where key or row is not the one it was sealed with."""
    try:
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return AESGCM(_vault_key(key)).decrypt(nonce, text, _bound(site, pseudonym)).decode()
    except InvalidTag as error:
        raise CheckFailedError(f"{pseudonym} of {site} was not sealed with this key") from error


async def put_names(connection: asyncpg.Connection, period: Period, key: bytes, names: Iterable[Name]) -> int:
    """Keep names; those that are there stay. How many were given."""
    rows = [(period.site, period.start, name.pseudonym, seal(key, period.site, name)) for name in names]
    async with connection.transaction():
        await connection.execute(f"SET LOCAL ROLE {ROLE}")
        await connection.executemany(_PUT, rows)
    return len(rows)


async def sealed_name(connection: asyncpg.Connection, site: str, pseudonym: str) -> bytes | None:
    """As it is kept, or None."""
    async with connection.transaction():
        await connection.execute(f"SET LOCAL ROLE {ROLE}")
        query = "SELECT sealed FROM vault.name WHERE site = $1 AND pseudonym = $2"
        found = await connection.fetchval(query, site, pseudonym)
    return None if found is None else bytes(found)


async def erase(connection: asyncpg.Connection, period: Period, key: bytes, reason: str) -> int:
    """Remove a period's names and write the proof, in one transaction; how many names. The key is the caller's to destroy."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(f"SET LOCAL ROLE {ROLE}")
        done = await connection.execute("DELETE FROM vault.name WHERE site = $1 AND period = $2", *period)
        names = int(done.rpartition(" ")[2])
        previous = bytes(await connection.fetchval(_LAST) or b"")
        digest = _chained(previous, period.site, str(period.start), digest_of(key), names, reason)
        await connection.execute(_PROOF, *period, digest_of(key), names, reason, previous, digest)
    return names


async def proofs(connection: asyncpg.Connection) -> list[dict[str, object]]:
    """Every erasure, the oldest first. Raises CheckFailedError where the chain of digests is broken."""
    rows = [dict(row) for row in await connection.fetch(_PROOFS)]
    previous = b""
    for row in rows:
        said = (row["site"], str(row["period"]), bytes(row["key_digest"]), row["names"], row["reason"])
        if bytes(row["previous"]) != previous or bytes(row["digest"]) != _chained(previous, *said):
            raise CheckFailedError(f"the log of erasures was changed at row {row['erasure_id']}")
        previous = bytes(row["digest"])
    return rows


def _chained(previous: bytes, site: str, period: str, key_digest: bytes, names: int, reason: str) -> bytes:
    said = "\n".join((previous.hex(), site, period, key_digest.hex(), str(names), reason))
    return hashlib.sha256(said.encode()).digest()


def _vault_key(key: bytes) -> bytes:
    return hmac.digest(key, b"quaystream vault", "sha256")


def _bound(site: str, pseudonym: str) -> bytes:
    return f"{site}\n{pseudonym}".encode()
