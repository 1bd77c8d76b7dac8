"""What a failed transaction means, decided on SQLSTATE and classes, never on text."""

import ssl

import asyncpg

from schemas.errors import ConfigurationError, Fault

# 28: a password rotated under us; people mend it, and until then the worker waits rather than dies in a loop.
_RETRY_CLASSES = frozenset({"08", "28", "40", "53", "57", "58"})
_REFUSED_CLASSES = frozenset({"22", "23", "54"})
_RETRY_STATES = frozenset({"55P03", "25006", "25P03"})
_STATEMENT_TIMEOUT = "57014"


def fault_of(error: BaseException) -> Fault:
    """What to do about `error`.

    `retry`: the database is away, busy or chose us as a victim; it ends by itself. `halve`: the statement
    took too long, a smaller batch may not. `refused`: the data cannot be stored, find the row. `crash`: a bug.
    """
    if isinstance(error, asyncpg.PostgresError):
        return _by_state(error.sqlstate or "")
    if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError)):
        # The driver's own: "connection is closed", or a session that the server ended in the middle of a COPY.
        return "retry"
    # ConfigurationError: the password's file is not there or empty, because somebody is changing it.
    return "retry" if isinstance(error, (OSError, TimeoutError, ConfigurationError)) else "crash"


def cause_of(error: BaseException) -> str:
    """A bounded word for the retry counter: who must mend what, the SQLSTATE class, or the kind of network fault."""
    if isinstance(error, (asyncpg.InvalidAuthorizationSpecificationError, ConfigurationError)):
        return "credentials"
    if isinstance(error, ssl.SSLError):
        return "certificate"
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate:
        return f"sqlstate_{error.sqlstate[:2]}"
    return "timeout" if isinstance(error, TimeoutError) else "connection"


def _by_state(state: str) -> Fault:
    if state == _STATEMENT_TIMEOUT:
        return "halve"
    if state[:2] in _RETRY_CLASSES or state in _RETRY_STATES:
        return "retry"
    return "refused" if state[:2] in _REFUSED_CLASSES else "crash"
