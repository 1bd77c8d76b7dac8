"""The value in a field, in any of the encodings of OPC 10000-6, 5.4: plain, as a Variant, or as a DataValue."""

from typing import Any, Final

from connectors.opcua.errors import BadStatusError

_DATA_VALUE: Final = frozenset(
    [
        "Value",
        "UaType",
        "Dimensions",
        "Status",
        "StatusCode",
        "SourceTimestamp",
        "SourcePicoseconds",
        "ServerTimestamp",
        "ServerPicoseconds",
    ]
)
_VARIANT: Final = frozenset(("Type", "Body", "Dimensions"))
SOURCE_TIMESTAMP: Final = "SourceTimestamp"


def value_of(given: Any) -> Any:
    """What it says, as JSON has it; None for null. Raises BadStatusError where the server disowns it."""
    if not isinstance(given, dict) or not given:
        return given
    if given.keys() <= _VARIANT and "Body" in given:
        return given["Body"]
    if given.keys() <= _DATA_VALUE and given.keys() & {"Value", "Status", "StatusCode"}:
        raise_bad(given.get("StatusCode", given.get("Status")))
        return value_of(given.get("Value"))
    return given


def source_time_of(given: Any) -> str | None:
    """When the source took it, where a DataValue says so."""
    told = given.get(SOURCE_TIMESTAMP) if isinstance(given, dict) and given.keys() <= _DATA_VALUE else None
    return told if isinstance(told, str) else None


def raise_bad(status: Any) -> None:
    """Raises BadStatusError where the two highest bits of a StatusCode say bad (OPC 10000-4, 7.39)."""
    code = status.get("Code", 0) if isinstance(status, dict) else status
    if isinstance(code, int) and code >> 30 == 0b10:
        raise BadStatusError(f"status 0x{code:08X} is bad")
