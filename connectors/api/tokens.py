"""Bearer tokens: who asks, for which agency and which purposes, by a signature of a key of the JWKS and nothing else.

Asymmetric algorithms alone: with one that is symmetric, or none, a public key would be enough to sign. What is wrong with
a token goes to the audit in one of a few words; the caller learns only that it is not accepted.
"""

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import jwt

from schemas.errors import ConfigurationError

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
SCOPE: Final = "share:"
LEEWAY_S: Final = 30
_REFRESH_S: Final = 300.0
_FETCH_S: Final = 5.0
_LONGEST_TOKEN: Final = 4_096
_AGENCY: Final = re.compile(r"[a-z][a-z0-9_]{0,23}")
_WORDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (jwt.ExpiredSignatureError, "token has expired"),
    (jwt.ImmatureSignatureError, "token is not valid yet"),
    (jwt.InvalidIssuerError, "token of another issuer"),
    (jwt.InvalidAudienceError, "token for another audience"),
    (jwt.MissingRequiredClaimError, "token lacks a claim"),
    (jwt.InvalidAlgorithmError, "token with an algorithm that is not taken"),
    (jwt.InvalidSignatureError, "token with a wrong signature"),
)


class TokenRefusedError(Exception):
    """The token is not accepted; the message is for the audit, and holds nothing of the token."""


class Caller(NamedTuple):
    """Who asks: the agency, the purposes of its scopes, and what the issuer calls it."""

    agency: str
    purposes: frozenset[str]
    name: str


class Verifier:
    """Checks tokens of one issuer for one audience. `keys` is a file or a URL of a JWKS; read when needed, and again."""

    def __init__(self, keys: str, issuer: str, audience: str) -> None:
        self._where = keys
        self._issuer = issuer
        self._audience = audience
        self._keys: dict[str, Any] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def start(self) -> None:
        """Read the keys; raises ConfigurationError where there are none."""
        await self._read()

    async def caller(self, authorization: str | None) -> Caller:
        """Who holds the token of an Authorization header. Raises TokenRefusedError."""
        if authorization is None:
            raise TokenRefusedError("no token")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN:
            raise TokenRefusedError("no bearer token")
        key = await self._key(token)
        try:
            said = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise TokenRefusedError(_word(error)) from None
        return _caller(said)

    async def _key(self, token: str) -> Any:
        try:
            head = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise TokenRefusedError("token that is none") from None
        if head.get("alg") not in ALGORITHMS:
            raise TokenRefusedError("token with an algorithm that is not taken")
        name = head.get("kid")
        if not isinstance(name, str):
            raise TokenRefusedError("token without the name of its key")
        if name not in self._keys or time.monotonic() - self._read_at > _REFRESH_S:
            await self._refresh(name)
        if name not in self._keys:
            raise TokenRefusedError("token of a key that is not known")
        key = self._keys[name]
        if key.algorithm_name != head["alg"]:
            raise TokenRefusedError("token with an algorithm that is not its key's")
        return key

    async def _refresh(self, name: str) -> None:
        """Read the keys again, but not for every stranger that names one nobody has."""
        async with self._reading:
            age_s = time.monotonic() - self._read_at
            if age_s > _REFRESH_S or (name not in self._keys and age_s > _FETCH_S):
                try:
                    await self._read()
                except ConfigurationError:
                    # What we have stays good for a while; a key that was withdrawn is gone at the next answer.
                    self._read_at = time.monotonic()

    async def _read(self) -> None:
        text = await _text_of(self._where)
        try:
            keys = jwt.PyJWKSet.from_dict(json.loads(text)).keys
        except (ValueError, TypeError, AttributeError, jwt.PyJWTError) as error:
            raise ConfigurationError(f"{self._where} is no JWKS with a key that can be used") from error
        self._keys = {str(key.key_id): key for key in keys if key.key_id and key.algorithm_name in ALGORITHMS}
        if not self._keys:
            raise ConfigurationError(f"{self._where} has no key with a `kid` and one of {', '.join(ALGORITHMS)}")
        self._read_at = time.monotonic()


async def _text_of(where: str) -> str:
    parts = urlsplit(where)
    if parts.scheme in {"http", "https"}:
        if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise ConfigurationError(f"{where}: keys come over https, or from this machine")
        return await _fetched(where)
    try:
        return await asyncio.to_thread(Path(where).read_text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {where} ({getattr(error, 'strerror', None) or 'not text'})") from error


async def _fetched(url: str) -> str:
    timeout = aiohttp.ClientTimeout(total=_FETCH_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ConfigurationError(f"{url} answers {answer.status} and no keys")
            return await answer.text()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ConfigurationError(f"{url} does not answer") from error


def _caller(said: dict[str, Any]) -> Caller:
    agency, scope, name = said.get("agency"), said.get("scope", ""), said["sub"]
    if not isinstance(agency, str) or not _AGENCY.fullmatch(agency):
        raise TokenRefusedError("token of no agency")
    if not isinstance(scope, str) or not isinstance(name, str):
        raise TokenRefusedError("token with claims of the wrong type")
    purposes = frozenset(word.removeprefix(SCOPE) for word in scope.split() if word.startswith(SCOPE))
    return Caller(agency, purposes, name)


def _word(error: Exception) -> str:
    return next((word for kind, word in _WORDS if isinstance(error, kind)), "token that cannot be verified")
