"""Why a data set or a field of it becomes no event; each kind is counted by itself."""

from connectors.edge.errors import InvalidEventError


class UndecodableError(InvalidEventError):
    """The payload is no NetworkMessage."""

    kind = "undecodable"


class NoKeyFrameError(InvalidEventError):
    """A delta frame says what changed, and what it changed is not known."""

    kind = "no_key_frame"


class BadStatusError(InvalidEventError):
    """The server itself says that the value is not to be used."""

    kind = "bad_status"
