"""Wrote payloads.json with pysparkplug 0.6.1, whose encoder is Google's protobuf: run with its packages in front.

PYTHONPATH=~/.cache/quaystream/pysparkplug-… python tests/data/sparkplug/make.py > tests/data/sparkplug/payloads.json
"""

import json
import sys

from pysparkplug import DataType, DBirth, DData, Metric, NCmd

T0 = 1_767_225_600_000
VALUES = {
    "INT8": [-128, -1, 0, 127],
    "INT16": [-32_768, -1, 32_767],
    "INT32": [-(2**31), -1, 2**31 - 1],
    "INT64": [-(2**63), -1, 2**63 - 1],
    "UINT8": [0, 255],
    "UINT16": [0, 65_535],
    "UINT32": [0, 2**32 - 1],
    "UINT64": [0, 2**63, 2**64 - 1],
    "FLOAT": [-0.5, 0.0, 3.0e38],
    "DOUBLE": [-1e-300, 0.1, 1.7e308],
    "BOOLEAN": [True, False],
    "STRING": ["", "cảng Tân Vũ", "x" * 300],
    "TEXT": ["one\ntwo"],
    "UUID": ["7b1f0a52-0003-4000-8000-000000000000"],
}


def case(value: object, kind: str) -> dict[str, object]:
    metric = Metric(timestamp=T0, name=f"a/{kind}", datatype=DataType[kind], value=value, alias=2**40)
    return {"type": kind, "value": value, "hex": DBirth(T0, 255, (metric,)).encode(include_dtypes=True).hex()}


short = (Metric(T0 + 1, None, DataType.INT32, value=7, alias=0, is_historical=True), Metric(None, "n", DataType.INT64))
rebirth = Metric(T0, "Node Control/Rebirth", DataType.BOOLEAN, value=True)
json.dump(
    {
        "values": [case(value, kind) for kind, values in VALUES.items() for value in values],
        "data": DData(T0, 0, short).encode(include_dtypes=False).hex(),
        "rebirth": NCmd(T0, (rebirth,)).encode(include_dtypes=True).hex(),
    },
    sys.stdout,
    ensure_ascii=False,
    indent=1,
)
