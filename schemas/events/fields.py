"""Field types the event models share. Units are in the field names; every number is finite.

Each alias carries its bounds as annotations, so that the JSON Schema, the publisher's validation and
the worker's hot decoder (streams/core/decode.py) are all derived from this one place.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field
from pydantic.fields import FieldInfo

from schemas.moments import RFC3339_PATTERN

BIGINT_MAX = 2**63 - 1


def _no_decimal_point(value: Any) -> Any:
    """Keep 40.0 from passing as 40: a Literal compares by equality, the hot decoder by type."""
    if isinstance(value, float):
        raise ValueError("not a whole number")  # noqa: TRY004  (pydantic takes no TypeError for a refusal)
    return value


# Nothing a port measures comes near 1e30, and a sum over any table stays a finite number.
LARGEST = 1e30
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Ratio = Annotated[float, Field(ge=0, le=1)]
Integer = Annotated[int, Field(ge=-BIGINT_MAX, le=BIGINT_MAX)]
TripS = Annotated[float, Field(gt=0, le=86_400)]
NonNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Count = Annotated[int, Field(ge=0, le=BIGINT_MAX)]
Text = Annotated[str, Field(max_length=65_536)]
Word = Annotated[str, Field(min_length=1, max_length=512)]
# A text on the wire, a timestamptz in the table; that it is a time is for its event's RULE to say.
IS_MOMENT = object()
Moment = Annotated[
    str, Field(max_length=64, json_schema_extra={"format": "date-time", "pattern": RFC3339_PATTERN}), IS_MOMENT
]
Lane = Annotated[str, Field(min_length=1, max_length=64)]
CounterName = Annotated[str, Field(min_length=1, max_length=256)]

# Reporting ranges of TS 38.133 (RSRP -156…-31 dBm, RSRQ -43…20 dB, SINR -23…40 dB). A positive RSRP is
# usually the raw index or a lost sign: refused, never guessed.
RsrpDbm = Annotated[float, Field(ge=-156, le=-31)]
RsrqDb = Annotated[float, Field(ge=-43, le=20)]
SinrDb = Annotated[float, Field(ge=-23, le=40)]
RssiDbm = Annotated[float, Field(ge=-140, le=0)]
Cqi = Annotated[int, Field(ge=0, le=15)]
FiveQi = Annotated[int, Field(ge=0, le=255)]
GranularityS = Annotated[int, Field(ge=1, le=2_147_483_647)]
IntervalS = Annotated[float, Field(gt=0, le=2_147_483_647)]
SpreaderLengthFt = Annotated[Literal[20, 30, 40, 45], BeforeValidator(_no_decimal_point)]


def is_moment(field: FieldInfo) -> bool:
    """Whether a field is a Moment, optional or not."""
    return IS_MOMENT in field.metadata or any(IS_MOMENT in get_args(inner) for inner in get_args(field.annotation))
