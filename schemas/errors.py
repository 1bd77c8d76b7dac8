"""The errors a person may see, by the exit code they end a command with (contract section 7).

Each carries one line that says what is wrong, where, and how to mend it. Anything that is none of
these is a bug and crashes loudly.
"""

from typing import Literal

Fault = Literal["retry", "halve", "refused", "crash"]
"""What to do about a failed transaction (`Store.fault_of`)."""


class QuaystreamError(Exception):
    """A failure whose message is meant for a person; `exit_code` ends the command."""

    exit_code = 1


class CheckFailedError(QuaystreamError):
    """A check ran and did not hold (exit 1)."""

    exit_code = 1


class ConfigurationError(QuaystreamError):
    """Wrong usage or configuration (exit 2)."""

    exit_code = 2


class ServiceUnreachableError(QuaystreamError):
    """A needed service does not answer (exit 3)."""

    exit_code = 3
