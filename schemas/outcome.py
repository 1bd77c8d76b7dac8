"""Outcomes and reasons: every record that reaches a worker ends as exactly one (contract section 4)."""

from enum import StrEnum


class Outcome(StrEnum):
    """How a record ended."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class Reason(StrEnum):
    """Why a record was rejected; the first that matches, in this order (contract section 9.4)."""

    TOO_LARGE = "too_large"
    UNDECODABLE = "undecodable"
    NOT_CLOUDEVENT = "not_cloudevent"
    UNKNOWN_TYPE = "unknown_type"
    BAD_SUBJECT = "bad_subject"
    SOURCE_REFUSED = "source_refused"
    INVALID_DATA = "invalid_data"
    CLOCK_SKEW = "clock_skew"
    TOO_OLD = "too_old"
    SEQUENCE_CONFLICT = "sequence_conflict"
    STORAGE_REFUSED = "storage_refused"


POISON = frozenset({Reason.UNDECODABLE, Reason.UNKNOWN_TYPE, Reason.INVALID_DATA, Reason.STORAGE_REFUSED})
"""Reasons that count towards the dead-letter bound: never age or skew, one bad gateway must not stop the rest."""
