"""What a source may be told instead of yes. In each case nothing of what was offered is in the spool."""

from typing import ClassVar, Literal

from schemas.errors import ConfigurationError, QuaystreamError

FullBy = Literal["bytes", "age"]


class InvalidEventError(ConfigurationError):
    """The event would be refused by every worker; offering it again unchanged will not help.

    `kind` is a label of `quaystream_connector_errors_total`.
    """

    kind: ClassVar[str] = "invalid"


class EventTooLargeError(InvalidEventError):
    """One event is larger than a worker takes."""

    kind = "too_large"


class SpoolRefusedError(QuaystreamError):
    """Not now: offer it again later. `cause` is a label of `quaystream_spool_refused_total`."""

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause


class SpoolFullError(SpoolRefusedError):
    """The spool has reached its bound, by bytes or by age, and its policy is to refuse."""

    def __init__(self, by: FullBy, message: str) -> None:
        super().__init__(f"full_by_{by}", message)


class DiskFullError(SpoolRefusedError):
    """The disk takes no more. What was accepted before is safe; delivery goes on."""

    def __init__(self, message: str) -> None:
        super().__init__("disk_full", message)


class SpoolFailedError(QuaystreamError):
    """The disk failed in a way that leaves open what it holds: the process must end, and read it anew."""
