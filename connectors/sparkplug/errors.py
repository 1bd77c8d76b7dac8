"""Why a message or a metric of it becomes no event; each kind is counted by itself."""

from connectors.edge.errors import InvalidEventError


class UndecodableError(InvalidEventError):
    """The payload is no Sparkplug B payload."""

    kind = "undecodable"


class NoBirthError(InvalidEventError):
    """Which metric it is, or of what type, was said in a birth that we have not seen."""

    kind = "no_birth"


class UnsupportedTypeError(InvalidEventError):
    """A data type that is no single value, or none that the standard knows."""

    kind = "unsupported_type"


class BadBirthError(InvalidEventError):
    """A birth gives one alias to two metrics."""

    kind = "bad_birth"
