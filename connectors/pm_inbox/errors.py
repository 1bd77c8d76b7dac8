"""Why a file that was announced is not here."""

from schemas.errors import QuaystreamError


class NotFetchedError(QuaystreamError):
    """Not now: it is asked for again later."""


class NotAllowedError(QuaystreamError):
    """Never: its place, or its size, is not allowed."""
