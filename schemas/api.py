"""What the read API answers, as values. schemas/generate/openapi_share.py describes it from here.

Rows are as the contract says: `id`, `time` and `site` always, then its fields; null where there is no value.
"""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

Row = Annotated[dict[str, Any], Meta(description="`id`, `time`, `site`, and the fields of the contract.")]


class Given(Struct, frozen=True, kw_only=True):
    """A table of a contract: its fields, and the classes of what is in them."""

    table: str
    fields: list[str]
    classes: list[str]


class Grant(Struct, frozen=True, kw_only=True):
    """A contract that stands now and that the token has the scope for."""

    contract: str
    purpose: str
    title: str
    sites: list[str]
    valid_until: datetime
    data: list[Given]


class Grants(Struct, frozen=True, kw_only=True):
    """Every contract of the token."""

    contracts: list[Grant]


class Page(Struct, frozen=True, kw_only=True):
    """Rows, oldest first; `next` is the `after` of the next page, null at the end."""

    rows: list[Row]
    next: str | None


class Problem(Struct, frozen=True, kw_only=True):
    """What went wrong (RFC 9457); never a word of data, keys or of what was asked."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
