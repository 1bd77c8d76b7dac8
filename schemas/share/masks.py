"""How a field is shown to an agency, in Python and in SQL: the same value both ways, which a test holds."""

import hmac
from typing import Any, Final, Literal

from schemas.tables import Kind

Mask = Literal["plain", "keyed", "prefix", "present", "rounded", "hour"]

FITS: Final[dict[Mask, frozenset[Kind]]] = {
    "plain": frozenset({"time", "text", "float", "int", "smallint", "bool", "jsonb"}),
    "keyed": frozenset({"text"}),
    "prefix": frozenset({"text"}),
    "present": frozenset({"text", "float", "int", "bool", "time"}),
    "rounded": frozenset({"float"}),
    "hour": frozenset({"time"}),
}
MEANINGS: Final[dict[Mask, str]] = {
    "plain": "as it is stored: of a personal field the pseudonym, where the site sends pseudonyms",
    "keyed": "HMAC-SHA256 under the agency's own key: equal where the value is equal, and unlike any other agency's",
    "prefix": "the first four characters, and `*`",
    "present": "only that there is a value",
    "rounded": "to the nearest hundred",
    "hour": "the hour it lies in",
}
SHOWN: Final = 4
STEP: Final = 100
_KEYED_DIGITS: Final = 32


def masked(mask: Mask, value: Any, key: bytes) -> Any:
    """The value as an agency sees it; None stays None. Times are texts here and are shared plain alone."""
    if value is None or mask == "plain":
        return value
    if mask == "keyed":
        return keyed(key, value)
    if mask == "prefix":
        return f"{value[:SHOWN]}*"
    if mask == "present":
        return "present"
    if mask == "rounded":
        return round(value / STEP) * float(STEP)
    raise ValueError(f"{mask} is for rows, not for events")


def keyed(key: bytes, value: str) -> str:
    """`k1.` and the first 128 bits of HMAC-SHA256 (RFC 2104) in hexadecimal digits."""
    return f"k1.{hmac.digest(key, value.encode(), 'sha256').hex()[:_KEYED_DIGITS]}"


def masked_sql(mask: Mask, column: str) -> str:
    """The same as an expression over `column`, with the agency's key as `k` (share.agency_key)."""
    return {
        "plain": column,
        "keyed": keyed_sql(column),
        "prefix": f"left({column}, {SHOWN}) || '*'",
        "present": f"CASE WHEN {column} IS NOT NULL THEN 'present' END",
        "rounded": f"round({column} / {STEP}) * {STEP}",
        "hour": f"date_trunc('hour', {column}, 'UTC')",
    }[mask]


def keyed_sql(text: str) -> str:
    """HMAC in plain SQL: no function of ours, which an agency could call with names it wants to try."""
    inner = f"sha256(k.inner_pad || convert_to({text}, 'UTF8'))"
    return f"'k1.' || left(encode(sha256(k.outer_pad || {inner}), 'hex'), {_KEYED_DIGITS})"


def pads(key: bytes) -> tuple[bytes, bytes]:
    """The two blocks of RFC 2104 of a key of at most 64 bytes."""
    block = key.ljust(64, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
